import assert from "node:assert/strict";
import { countContainers, freePort, refused, withTakenPort } from "../../conformance/tools.js";
import type { BackendCase } from "../../conformance/types.js";
import { create, output, refusesSpec, start } from "./tools.js";

/** Networks and published ports. */
export const networkCases: readonly BackendCase[] = [
  {
    id: "networks.joined",
    rows: [19],
    title: "row 19: all networks are joined before the start",
    level: "backend",
    needs: ["networks", "twoNetworks", "linux"],
    async run(context) {
      const { networks } = await start(context, { networks: context.networks });
      assert.deepEqual(Object.keys(networks).sort(), [...context.networks].sort());
      assert.ok(Object.values(networks).every((address) => address !== null));
    },
    refuse: refusesSpec({ networks: ["pt-net-a", "pt-net-b"] }),
  },
  {
    id: "networks.missing",
    rows: [19],
    title: "row 19: a network that is not there is `not_found` and named, and nothing is made",
    level: "backend",
    needs: ["networks"],
    async run(context) {
      const error = await refused(() => create(context, { networks: ["pt-no-such-network"] }), "not_found");
      assert.ok(error.message.includes("pt-no-such-network"), error.message);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "networks.none",
    rows: [19],
    title: 'row 19: `network: "none"` leaves only the loopback',
    level: "backend",
    needs: ["networkMode:none", "linux"],
    async run(context) {
      const { id } = await start(context, { networkMode: "none" });
      const lines = (await output(context, id, ["cat", "/proc/net/dev"])).trim().split("\n").slice(2);
      assert.deepEqual(
        lines.map((line) => line.trim().split(":")[0]),
        ["lo"],
      );
    },
    refuse: refusesSpec({ networkMode: "none" }),
  },
  {
    id: "networks.hosts",
    rows: [19],
    title: "row 19: extra hosts and name servers are as asked",
    level: "backend",
    needs: ["extraHosts", "dns", "linux"],
    async run(context) {
      const { id } = await start(context, {
        extraHosts: [{ host: "db.test", address: "10.1.2.3" }],
        dns: ["10.9.8.7"],
      });
      assert.match(await output(context, id, ["cat", "/etc/hosts"]), /10\.1\.2\.3\s+db\.test/);
      assert.match(await output(context, id, ["cat", "/etc/resolv.conf"]), /nameserver 10\.9\.8\.7/);
    },
    refuse: refusesSpec({ extraHosts: [{ host: "db.test", address: "10.1.2.3" }], dns: ["10.9.8.7"] }),
  },
  {
    id: "ports.published",
    rows: [18],
    title: "row 18: published ports of TCP and UDP are read back, and have an endpoint; others are `not_found`",
    level: "backend",
    needs: ["publishPorts", "udpPorts"],
    async run(context) {
      const tcp = { container: 8080, host: await freePort(), address: "127.0.0.1", protocol: "tcp" as const };
      const udp = { container: 8081, host: await freePort(), address: "127.0.0.1", protocol: "udp" as const };
      const { id, ports } = await start(context, { ports: [tcp, udp] });
      assert.deepEqual(
        [...ports].sort((a, b) => a.container - b.container),
        [tcp, udp],
      );
      assert.deepEqual(await context.backend.endpoint(id, 8080), { host: "127.0.0.1", port: tcp.host });
      assert.deepEqual(await context.backend.endpoint(id, 8081, { protocol: "udp" }), {
        host: "127.0.0.1",
        port: udp.host,
      });
      await refused(() => context.backend.endpoint(id, 9999), "not_found");
    },
    refuse: refusesSpec({ ports: [{ container: 8080, host: 38080, address: "127.0.0.1", protocol: "tcp" }] }),
  },
  {
    id: "ports.taken",
    rows: [18],
    title: "row 18: a taken port is `conflict` at the start and named",
    level: "backend",
    needs: ["publishPorts", "localPaths"],
    async run(context) {
      await withTakenPort(async (port) => {
        const { id } = await create(context, {
          ports: [{ container: 80, host: port, address: "127.0.0.1", protocol: "tcp" }],
        });
        const error = await refused(() => context.backend.start(id), "conflict");
        assert.deepEqual([error.details["reason"], error.details["port"]], ["port_taken", port]);
        assert.ok(error.message.includes(String(port)), error.message);
      });
    },
  },
];
