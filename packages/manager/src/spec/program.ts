import { type ImageInfo, PodkitError } from "@podkit/core";
import type { Asked } from "../config/asked.js";

/**
 * The program that runs in a container beside the agent, or in its place; null where there is none.
 * @throws `invalid_argument` where the image has no program of its own and one was asked for.
 */
export function programOf(config: Asked, image: ImageInfo | null, imageName: string): readonly string[] | null {
  const entrypoint = config.useImageDefaults === true ? undefined : config.entrypoint;
  const command = config.useImageDefaults === true ? undefined : config.command;
  if (entrypoint === undefined && command === undefined) {
    if (config.useImageDefaults !== true && config.agentAsInit !== false) return null;
    return imageProgram(image, imageName);
  }
  const words = [...(entrypoint ?? image?.entrypoint ?? []), ...commandWords(command)];
  return words.length === 0 ? null : words;
}

function commandWords(command: string | readonly string[] | undefined): readonly string[] {
  if (command === undefined) return [];
  return typeof command === "string" ? ["/bin/sh", "-c", command] : command;
}

function imageProgram(image: ImageInfo | null, imageName: string): readonly string[] {
  const words = image === null ? [] : [...image.entrypoint, ...image.command];
  if (words.length > 0) return words;
  throw new PodkitError(
    "invalid_argument",
    `Image ${imageName} has neither ENTRYPOINT nor CMD, so that there is no program of its own to run. Give entrypoint or command instead.`,
    { details: { field: "useImageDefaults", image: imageName } },
  );
}
