import { PodkitError } from "@podkit/core";
import { decodeUtf8 } from "./utf8.js";

/** Size of a tar block. */
export const BLOCK = 512;

/** A header's own fields; nothing of them is trusted beyond their form. */
export interface TarHeader {
  readonly name: string;
  readonly type: string;
  readonly mode: number;
  /** Bytes of content that follow. */
  readonly size: number;
  readonly mtimeMs: number;
  readonly linkName: string;
}

/** What a broken or hostile archive looks like. */
export function badTar(what: string): PodkitError {
  return new PodkitError(
    "invalid_state",
    `The container sent a broken archive (${what}); nothing of it was kept. It may have been changed by what runs in the container.`,
    {
      details: { reason: "bad_archive" },
    },
  );
}

/** Reads one header block; null for a block of zeros, which ends the archive. */
export function parseTarHeader(block: Uint8Array): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  if (octal(block, 148, 8) !== checksum(block)) throw badTar("a header's checksum is wrong");
  const prefix = text(block, 345, 155);
  const name = text(block, 0, 100);
  const type = text(block, 156, 1);
  const ustar = text(block, 257, 5) === "ustar";
  return {
    name: ustar && prefix !== "" ? `${prefix}/${name}` : name,
    type: type === "" ? "0" : type,
    mode: octal(block, 100, 8) & 0o777,
    size: number(block, 124, 12),
    mtimeMs: number(block, 136, 12) * 1000,
    linkName: text(block, 157, 100),
  };
}

function text(block: Uint8Array, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return decodeUtf8(end === -1 ? field : field.subarray(0, end));
}

function number(block: Uint8Array, from: number, length: number): number {
  return ((block[from] ?? 0) & 0x80) === 0 ? octal(block, from, length) : binary(block, from, length);
}

function octal(block: Uint8Array, from: number, length: number): number {
  const digits = text(block, from, length).trim();
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw badTar("a header's number is none");
  return safe(Number.parseInt(digits, 8));
}

/** GNU's base-256 form, for sizes of 8 GiB and more. */
function binary(block: Uint8Array, from: number, length: number): number {
  let value = (block[from] ?? 0) & 0x7f;
  for (let at = from + 1; at < from + length; at += 1) value = safe(value * 256 + (block[at] ?? 0));
  return value;
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw badTar("a header's number is too large");
  return value;
}

function checksum(block: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < BLOCK; at += 1) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0);
  return sum;
}
