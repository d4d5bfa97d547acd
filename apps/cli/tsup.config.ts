import { program } from "../../tsup.shared.js";

export default program({ entry: { main: "src/main.ts" } });
