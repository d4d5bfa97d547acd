import type { Asked } from "../config/asked.js";
import { refuse } from "./problem.js";

/** Refuses fields that cannot stand together. @throws `invalid_argument` naming them. */
export function refuseCombinations(asked: Asked): void {
  refuseNetworks(asked);
  refusePrograms(asked);
  if (asked.image !== undefined && asked.inheritParentImage === true) {
    refuse("inheritParentImage", true, "image is given too; leave one of the two out");
  }
  refuseTwice(
    "volumes and tmpfs",
    [...(asked.volumes ?? []), ...(asked.tmpfs ?? [])].map((mount) => mount.target),
  );
  refuseTwice(
    "ports",
    (asked.ports ?? [])
      .filter((port) => port.host !== 0)
      .map((port) => `${port.address}:${port.host}/${port.protocol}`),
  );
  refuseTwice("networks", asked.networks ?? []);
}

function refuseNetworks(asked: Asked): void {
  if (asked.network === undefined) return;
  if ((asked.networks?.length ?? 0) > 0)
    refuse("network", asked.network, "networks is given too; leave one of the two out");
  if (asked.inheritParentNetworks === true) {
    refuse("network", asked.network, "inheritParentNetworks is given too; leave one of the two out");
  }
  if ((asked.ports?.length ?? 0) > 0) {
    refuse("ports", asked.ports, `nothing can be published with network "${asked.network}"; leave one of the two out`);
  }
}

function refusePrograms(asked: Asked): void {
  if (asked.agentAsInit !== false) return;
  const programs = asked.useImageDefaults === true || asked.command !== undefined;
  if (asked.entrypoint?.length === 0 && !programs) {
    refuse("agentAsInit", false, "entrypoint is [], so there is no program that could be PID 1 in the agent's place");
  }
  if (asked.maxLifetimeMs !== undefined) {
    refuse("maxLifetimeMs", asked.maxLifetimeMs, "the agent keeps it only as PID 1; leave agentAsInit: false out");
  }
}

function refuseTwice(field: string, values: readonly string[]): void {
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) refuse(field, twice, "it is given twice");
}
