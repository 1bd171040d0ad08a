// Writes every dashboard as JSON into a folder: node build/main.js FOLDER
import {writeFileSync} from "node:fs";
import {join} from "node:path";

import {fleetDashboard} from "./fleet.js";
import {runDashboard} from "./run.js";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("usage: node build/main.js FOLDER");
  process.exit(2);
}
for (const dashboard of [fleetDashboard(), runDashboard()].map((builder) => builder.build())) {
  writeFileSync(join(folder, `${dashboard.uid}.json`), JSON.stringify(dashboard, null, 2) + "\n");
}
