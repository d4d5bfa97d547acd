import { createHash, randomBytes } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/** A registry with one image, whose only layer it holds back until `release` is called. */
export interface HeldRegistry {
  /** What to pull. */
  readonly image: string;
  /** How often the layer was asked for. */
  asked(): number;
  /** Sends the layer to whoever waits for it and whoever comes. */
  release(): void;
  close(): Promise<void>;
}

/** What a registry sends under a digest. */
interface Blob {
  readonly type: string;
  readonly digest: string;
  readonly data: Buffer;
}

function blob(type: string, data: Buffer): Blob {
  return { type: `application/vnd.docker.${type}`, digest: digestOf(data), data };
}

function digestOf(data: Buffer): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** An image with one file in the root that no other image has. */
function freshImage(): { readonly manifest: Blob; readonly config: Blob; readonly layer: Blob } {
  const tar = tarOf("fresh", randomBytes(512));
  const layer = blob("image.rootfs.diff.tar.gzip", gzipSync(tar));
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const described = { architecture, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [digestOf(tar)] } };
  const config = blob("container.image.v1+json", Buffer.from(JSON.stringify(described)));
  const [configEntry, layerEntry] = [config, layer].map(({ type, digest, data }) => ({
    mediaType: type,
    digest,
    size: data.length,
  }));
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const listed = { schemaVersion: 2, mediaType, config: configEntry, layers: [layerEntry] };
  return { manifest: blob("distribution.manifest.v2+json", Buffer.from(JSON.stringify(listed))), config, layer };
}

/** An archive of one file of 512 bytes: header, content, two empty blocks. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0", 148);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc(1024)]);
}

/** Listens on the loopback, where the engine wants no certificate. */
export async function startHeldRegistry(): Promise<HeldRegistry> {
  const { manifest, config, layer } = freshImage();
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let asked = 0;
  const send = (response: ServerResponse, { type, digest, data }: Blob, head: boolean): void => {
    const headers = { "content-type": type, "content-length": data.length, "docker-content-digest": digest };
    response.writeHead(200, headers).end(head ? undefined : data);
  };
  const server = createServer(async ({ url = "", method }, response) => {
    const head = method === "HEAD";
    if (url === "/v2/") response.writeHead(200).end("{}");
    else if (url.endsWith(`/blobs/${config.digest}`)) send(response, config, head);
    else if (url.endsWith("/manifests/1") || url.endsWith(`/manifests/${manifest.digest}`)) {
      send(response, manifest, head);
    } else if (url.endsWith(`/blobs/${layer.digest}`)) {
      asked += 1;
      await held;
      send(response, layer, head);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the registry has no port");
  return {
    image: `127.0.0.1:${address.port}/pt/held:1`,
    asked: () => asked,
    release: () => release(),
    async close() {
      release();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
