import { createHash } from "node:crypto";
import {
  type CallOptions,
  type Clock,
  type DeadlineOptions,
  type ImageInfo,
  type ImageRequest,
  type Logger,
  PodkitError,
  type PullProgress,
} from "@podkit/core";
import type { DockerApi } from "../api.js";
import { imageInfo } from "../inspect.js";
import { type AuthSources, registryAuthHeader } from "./auth.js";
import { pullImage } from "./pull.js";
import { parseReference } from "./reference.js";
import { SharedPulls } from "./shared-pulls.js";

/** What {@link Images} is made of. */
export interface ImagesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly auth: AuthSources;
}

/** The engine's images. */
export class Images {
  readonly #options: ImagesOptions;
  readonly #pulls: SharedPulls;

  constructor(options: ImagesOptions) {
    this.#options = options;
    this.#pulls = new SharedPulls(options.logger);
  }

  async inspect(api: DockerApi, image: string, options: DeadlineOptions): Promise<ImageInfo> {
    parseReference(image.replace(/^sha256:/, ""));
    const subject = { kind: "image", name: image } as const;
    return imageInfo(
      await api.json(
        { doing: `Looking at image ${image}`, subject, method: "GET", path: `/images/${image}/json` },
        options,
      ),
    );
  }

  /** Makes sure that an image is there, by the request's policy. */
  async ensure(
    api: DockerApi,
    request: ImageRequest,
    options: CallOptions & { readonly onProgress?: ((progress: PullProgress) => void) | undefined },
  ): Promise<ImageInfo> {
    const { image, platform, pullPolicy } = request;
    if (pullPolicy !== "always") {
      const there = await this.#find(api, image, options);
      if (there !== undefined && fits(there, platform)) return there;
      if (pullPolicy === "never") throw notThere(image, platform, there);
    }
    await this.#pull(api, request, options);
    const pulled = await this.inspect(api, image, { signal: options.signal });
    if (fits(pulled, platform)) return pulled;
    throw notThere(image, platform, pulled);
  }

  async #find(api: DockerApi, image: string, options: CallOptions): Promise<ImageInfo | undefined> {
    try {
      return await this.inspect(api, image, { signal: options.signal });
    } catch (error) {
      if (PodkitError.is(error, "not_found")) return undefined;
      throw error;
    }
  }

  async #pull(
    api: DockerApi,
    request: ImageRequest,
    options: CallOptions & { readonly onProgress?: ((progress: PullProgress) => void) | undefined },
  ): Promise<void> {
    const { image, platform } = request;
    const reference = parseReference(image);
    const registryAuth = await registryAuthHeader(reference, request.registryAuth, this.#options.auth, options);
    // By login too: one caller's wrong password is not another's failure.
    const login = registryAuth === undefined ? "" : createHash("sha256").update(registryAuth).digest("hex");
    await this.#pulls.run(
      [image, platform ?? "", login].join("\n"),
      `Pulling image ${image}`,
      options,
      (onProgress, signal) =>
        pullImage(api, this.#options.clock, { image, reference, platform, registryAuth, onProgress, signal }),
    );
  }
}

// Only system and architecture: `linux/arm64` is `linux/arm64/v8`.
function fits(image: ImageInfo, platform: string | undefined): boolean {
  return platform === undefined || platform.split("/").slice(0, 2).join("/") === image.platform;
}

function notThere(image: string, platform: string | undefined, there: ImageInfo | undefined): PodkitError {
  const details = { kind: "image", name: image };
  if (there === undefined) {
    return new PodkitError(
      "not_found",
      `The image ${JSON.stringify(image)} is not on this engine, and the pull policy is "never". Load it (\`docker load\`, \`docker pull\`), or allow a pull.`,
      { details },
    );
  }
  return new PodkitError(
    "not_found",
    `The image ${JSON.stringify(image)} is there for ${there.platform} only, and ${String(platform)} was asked for. Ask for another platform or image.`,
    {
      details: { ...details, platform: there.platform },
    },
  );
}
