import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { countContainers, freePort, refused, withTakenPort } from "../../conformance/tools.js";
import type { SessionCase } from "../../conformance/types.js";
import { containerOf, open, refusesConfig, reopen, sh } from "./tools.js";

/** Mounts, volumes, ports, networks. */
export const surroundingCases: readonly SessionCase[] = [
  {
    id: "mounts.several",
    rows: [16],
    title: "row 16: several mounts; in a read-only one overwriting, creating and deleting fail and change nothing",
    level: "session",
    needs: ["bindMounts", "localPaths", "shell", "linux"],
    async run(context) {
      const folder = await context.tempDir();
      const [data, out] = [join(folder, "data"), join(folder, "out")];
      await Promise.all([mkdir(data), mkdir(out)]);
      await writeFile(join(data, "set.csv"), "1,2,3\n");
      const session = await open(context, {
        volumes: [
          { source: data, target: "/data", readOnly: true },
          { source: out, target: "/outputs" },
        ],
      });
      assert.equal(await sh(session, "cat /data/set.csv; cat /data/set.csv > /outputs/copy"), "1,2,3\n");
      for (const script of [
        "echo x > /data/set.csv",
        "touch /data/new",
        "rm -f /data/set.csv && test ! -e /data/set.csv",
      ]) {
        assert.notEqual((await session.executeCommand(script)).exitCode, 0, script);
      }
      await refused(() => session.writeFile("/data/set.csv", "x"), "permission_denied");
      assert.equal(await readFile(join(data, "set.csv"), "utf8"), "1,2,3\n");
      assert.deepEqual(await readdir(data), ["set.csv"]);
      assert.equal(await readFile(join(out, "copy"), "utf8"), "1,2,3\n");
    },
    refuse: refusesConfig({ volumes: [{ source: "/tmp", target: "/data" }] }),
  },
  {
    id: "mounts.missing",
    rows: [16],
    title: "row 16: a source that does not exist is an error that names it, and nothing is made",
    level: "session",
    needs: ["bindMounts"],
    async run(context) {
      const source = "/no/such/folder/for/podkit";
      const error = await refused(
        () => open(context, { volumes: [{ source, target: "/data" }] }),
        "not_found",
        "invalid_argument",
      );
      assert.ok(error.message.includes(source), error.message);
      assert.equal(await countContainers(context), 0);
    },
  },
  {
    id: "volumes.named",
    rows: [17],
    title: "row 17: a named volume is its user's in every session, kept on close, and no other user sees it",
    level: "session",
    needs: ["namedVolumes", "linux"],
    async run(context) {
      const volumes = [{ source: "cache", target: "/cache" }];
      const mine = context.newId();
      const first = await open(context, { volumes }, mine);
      await first.writeFile("/cache/secret", "mine");
      await first.close();
      const second = await open(context, { volumes }, { ...mine, sessionId: `${mine.sessionId}-b` });
      assert.equal(await second.files.read("/cache/secret"), "mine");
      const other = await open(context, { volumes }, context.newId());
      assert.deepEqual(await other.files.list("/cache"), []);
    },
    refuse: refusesConfig({ volumes: [{ source: "cache", target: "/cache" }] }),
  },
  {
    id: "ports.served",
    rows: [18],
    title:
      "row 18: a published port answers at its url, on the same port or a drawn one; waitFor and list see who listens",
    level: "session",
    needs: ["publishPorts", "linux", "shell"],
    async run(context) {
      const port = await freePort();
      const session = await open(context, { ports: [port, { container: 8081, host: 0 }], pidsLimit: 128 });
      await session.writeFile("index.html", "served");
      await using first = await session.spawn(["httpd", "-f", "-p", String(port), "-h", "/workspace"]);
      await using second = await session.spawn(["httpd", "-f", "-p", "8081", "-h", "/workspace"]);
      await Promise.all([session.ports.waitFor(port), session.ports.waitFor(8081)]);
      assert.equal(await session.ports.url(port), `http://127.0.0.1:${port}`);
      for (const number of [port, 8081]) {
        const answer = await fetch(`${await session.ports.url(number)}/index.html`, {
          signal: AbortSignal.timeout(30_000),
        });
        assert.equal(await answer.text(), "served");
      }
      const listed = await session.ports.list();
      assert.deepEqual(
        listed
          .map((one) => one.port)
          .filter((one) => one === port || one === 8081)
          .sort(),
        [port, 8081].sort(),
      );
      assert.equal(listed.find((one) => one.port === port)?.pid, first.pid);
      assert.equal(listed.find((one) => one.port === 8081)?.pid, second.pid);
      await refused(() => session.ports.url(9), "not_found");
      await refused(() => session.ports.waitFor(9, { timeoutMs: 300 }), "timeout");
    },
    refuse: refusesConfig({ ports: [{ container: 8081, host: 0 }] }),
  },
  {
    id: "ports.kept",
    rows: [18],
    title: "row 18: a drawn port is kept over a stop; another address and UDP can be asked for",
    level: "session",
    needs: ["publishPorts", "udpPorts", "restart"],
    async run(context) {
      const ports = [
        { container: 80, host: 0 },
        { container: 53, host: 0, protocol: "udp" as const, address: "0.0.0.0" },
      ];
      const session = await open(context, { ports });
      const before = (await session.info()).ports;
      const tcp = before.find(({ protocol }) => protocol === "tcp");
      const udp = before.find(({ protocol }) => protocol === "udp");
      assert.ok(tcp !== undefined && tcp.host > 0 && tcp.address === "127.0.0.1" && tcp.container === 80);
      assert.ok(udp !== undefined && udp.host > 0 && udp.address === "0.0.0.0" && udp.container === 53);
      await session.stop();
      const again = await reopen(context, session);
      const key = (one: { host: number }): number => one.host;
      assert.deepEqual((await again.info()).ports.map(key).sort(), before.map(key).sort());
    },
  },
  {
    id: "ports.taken",
    rows: [18],
    title: "row 18: a taken port is an error that names it, and nothing is left",
    level: "session",
    needs: ["publishPorts", "localPaths"],
    async run(context) {
      await withTakenPort(async (port) => {
        const error = await refused(() => open(context, { ports: [port] }), "conflict");
        assert.ok(error.message.includes(String(port)), error.message);
        assert.equal(error.details["port"], port);
        assert.equal(await countContainers(context), 0);
      });
    },
  },
  {
    id: "networks.all",
    rows: [19],
    title: "row 19: all networks are joined on creation; a missing one is an error that names it",
    level: "session",
    needs: ["networks", "twoNetworks"],
    async run(context) {
      const session = await open(context, { networks: context.networks });
      const { networks } = await session.info();
      assert.deepEqual(Object.keys(networks).sort(), [...context.networks].sort());
      const before = await countContainers(context);
      const error = await refused(() => open(context, { networks: ["pt-no-such-network"] }), "not_found");
      assert.ok(error.message.includes("pt-no-such-network"), error.message);
      assert.equal(await countContainers(context), before);
    },
    refuse: refusesConfig({ networks: ["pt-net"] }),
  },
  {
    id: "networks.none",
    rows: [19],
    title: 'row 19: `network: "none"` leaves only the loopback, and commands work',
    level: "session",
    needs: ["networkMode:none", "shell", "linux"],
    async run(context) {
      const session = await open(context, { network: "none" });
      assert.equal(await sh(session, "ls /sys/class/net"), "lo\n");
    },
    refuse: refusesConfig({ network: "none" }),
  },
  {
    id: "security.defaults",
    rows: [],
    title: "by default a container has few capabilities, no new privileges, limits, and ports on 127.0.0.1 alone",
    level: "session",
    needs: ["shell", "linux", "noNewPrivileges", "capabilityChanges", "memoryLimit", "cpuLimit", "pidsLimit"],
    async run(context) {
      const session = await open(context);
      const status = await sh(session, "cat /proc/self/status");
      assert.match(status, /NoNewPrivs:\s+1/);
      const bounding = BigInt(`0x${/CapBnd:\s+([0-9a-f]+)/.exec(status)?.[1]}`);
      const bits = [0, 1, 3, 4, 5, 6, 7, 10].reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
      assert.equal(bounding, bits);
      const engine = (await context.backend.inspect(await containerOf(session))).limits;
      assert.deepEqual(engine, { cpus: 1, memoryBytes: 512 << 20, pids: 512 });
    },
  },
  {
    id: "asked.labels",
    rows: [],
    title: "labels of the config stand on the container",
    level: "session",
    needs: [],
    async run(context) {
      const session = await open(context, { labels: { "com.example.team": "blue" } });
      const info = await context.backend.inspect(await containerOf(session));
      assert.equal(info.labels["com.example.team"], "blue");
      assert.equal(info.labels["dev.podkit.user"] !== undefined, true);
      assert.match(info.name, /^[a-z0-9][a-z0-9-]{0,62}$/);
      assert.ok(info.name.startsWith(`${context.prefix}-`));
    },
  },
];
