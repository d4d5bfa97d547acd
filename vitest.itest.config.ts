import { integration } from "./vitest.shared.js";

export default integration(import.meta.url);
