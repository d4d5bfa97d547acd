import { isIP } from "node:net";
import type { ExtraHost } from "@podkit/core";
import type { AskedPort } from "../config/asked.js";
import { refuse } from "./problem.js";
import { fieldsOf, integer, matching, oneOf, type Parse } from "./scalars.js";

const PORT = integer(1, 65_535, "a port");
const HOST_PORT = integer(0, 65_535, "a port (0: one is drawn)");
const PROTOCOL = oneOf("tcp", "udp");

/** A port to publish: a number, or its parts. */
export const port: Parse<AskedPort> = (field, value) => {
  if (typeof value === "number") {
    return { container: PORT(field, value), host: value, address: "127.0.0.1", protocol: "tcp" };
  }
  const given = fieldsOf(field, value, ["container", "host", "address", "protocol"]);
  const container = PORT(`${field}.container`, given["container"]);
  return {
    container,
    host: given["host"] === undefined ? container : HOST_PORT(`${field}.host`, given["host"]),
    address: given["address"] === undefined ? "127.0.0.1" : ipAddress(`${field}.address`, given["address"]),
    protocol: given["protocol"] === undefined ? "tcp" : PROTOCOL(`${field}.protocol`, given["protocol"]),
  };
};

/** An IPv4 or IPv6 address. */
export const ipAddress: Parse<string> = (field, value) =>
  typeof value === "string" && isIP(value) !== 0
    ? value
    : refuse(field, value, "it takes an IP address, such as 127.0.0.1");

/** The name of a network. */
export const networkName: Parse<string> = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
  "it takes a network's name: letters, digits and _ . -",
);

/** A name that resolves to an address; `host-gateway` is the engine's machine. */
export const extraHost: Parse<ExtraHost> = (field, value) => {
  const given = fieldsOf(field, value, ["host", "address"]);
  const address = given["address"];
  return {
    host: hostName(`${field}.host`, given["host"]),
    address: address === "host-gateway" ? address : ipAddress(`${field}.address`, address),
  };
};

const hostName: Parse<string> = matching(
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*$/,
  "it takes a host name, such as db.internal",
);
