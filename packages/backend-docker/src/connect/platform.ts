const ARCH: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  aarch64: "arm64",
  armv8l: "arm64",
  armv7l: "arm",
  i686: "386",
};

/** `linux/amd64` of what the engine calls `linux` and `x86_64`. */
export function platformOf(os: string, architecture: string): string {
  return `${os || "linux"}/${ARCH[architecture] ?? (architecture || "amd64")}`;
}
