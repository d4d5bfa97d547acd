#!/usr/bin/env bash
# What a release needs: valid changesets, and every published package in the fixed group or named as apart.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/packages.sh
source "$REPO_ROOT/scripts/lib/packages.sh"

cd "$REPO_ROOT"
# Third parties pin the contracts and the conformance suite, so these move only when they changed.
APART=(@podkit/core @podkit/testing)

while read -r folder name; do
  # `npm pack` takes only what lies in the package.
  cmp -s LICENSE "$folder/LICENSE" || die "$folder/LICENSE is not the repository's."
  if [[ " ${APART[*]} " == *" $name "* ]]; then continue; fi
  grep -qF "\"$name\"" .changeset/config.json || die "$name is missing in the fixed group of .changeset/config.json."
done < <(public_packages)

for file in .changeset/*.md; do
  [[ "$(basename "$file")" != README.md ]] || continue
  [[ "$(head -n 1 "$file")" == "---" ]] || die "$file has no front matter."
done

# The plan is made in full without being carried out, which checks each changeset's packages and bumps.
node --input-type=module -e '
  import { createRequire } from "node:module";
  const require = createRequire(createRequire(process.cwd() + "/").resolve("@changesets/cli/package.json"));
  const plan = await require("@changesets/get-release-plan").default(process.cwd());
  for (const { name, oldVersion, newVersion } of plan.releases) console.log(`${name} ${oldVersion} -> ${newVersion}`);
'
