import { type ErrorCode, PodkitError } from "@podkit/core";

const KINDS: readonly [RegExp, ErrorCode, string][] = [
  [
    /no space left on device/i,
    "resource_exhausted",
    "The engine's disk is full. Make room on it (`docker system df`), then try again.",
  ],
  [
    /toomanyrequests|rate limit/i,
    "resource_exhausted",
    "The registry allows no more pulls for now. Log in, or try again later.",
  ],
  [
    /no matching manifest|does not match the specified platform|was found but does not/i,
    "not_found",
    "The registry has it for other platforms only. Ask for another `platform` or image.",
  ],
  [
    /repository does not exist or may require/i,
    "not_found",
    "Check its name; if it is private, log in (`docker login`) or give `registryAuth`.",
  ],
  [
    /unauthorized|authentication required|no basic auth|incorrect username or password|access .*denied|denied:/i,
    "unauthenticated",
    "Log in (`docker login`), or give `registryAuth` with a login that may read it.",
  ],
  [/not found|manifest unknown|name unknown|does not exist/i, "not_found", "Check its name and tag."],
  [/invalid reference format|invalid repository name/i, "invalid_argument", "Correct its name."],
  [
    /dial tcp|no such host|connection refused|timeout|TLS|x509|connection reset|EOF|network is unreachable|server gave HTTP response|proxyconnect/i,
    "unavailable",
    "The engine does not reach the registry. Check the engine's network, or load the image into it (`docker load`).",
  ],
];

/** The error for a pull that the engine could not do; its message names the image. */
export function pullError(image: string, words: string, cause?: unknown): PodkitError {
  const [, code, hint] = KINDS.find(([pattern]) => pattern.test(words)) ?? [
    undefined,
    "internal" as const,
    "Try `docker pull` to see whether the engine can do it at all.",
  ];
  return new PodkitError(code, `The image ${JSON.stringify(image)} could not be pulled: ${words}. ${hint}`, {
    cause,
    details: { kind: "image", name: image },
  });
}
