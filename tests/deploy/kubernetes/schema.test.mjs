// Each object is what its API version takes: TypeScript's types find fields that are unknown, misspelt
// or missing, the validators values out of bounds.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { all, find, nameOf, podTemplates, pytorchJob, supervisor } from './manifests.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

// The module with the types and models of an API version.
function moduleOf(apiVersion) {
  if (apiVersion === 'kubeflow.org/v1') return join(here, 'pytorchjob');
  if (apiVersion.startsWith('monitoring.coreos.com/')) {
    return `@kubernetes-models/prometheus-operator/${apiVersion}`;
  }
  return `kubernetes-models/${apiVersion}`;
}

// What the TypeScript compiler has to say of the objects; empty if nothing.
function complaints(objects) {
  const folder = mkdtempSync(join(here, 'node_modules/.lehr/types-'));
  try {
    const source = join(folder, 'objects.ts');
    const lines = objects.map(
      (object, index) =>
        `import type { I${object.kind} as Type${index} } from '${moduleOf(object.apiVersion)}';\n` +
        `export const object${index}: Type${index} = ${JSON.stringify(object, null, 2)};\n`,
    );
    writeFileSync(source, lines.join('\n'));
    const options = '--noEmit --strict --skipLibCheck --target es2022 --module preserve'.split(' ');
    const compiler = join(here, 'node_modules/typescript/bin/tsc');
    return spawnSync(process.execPath, [compiler, ...options, source], { encoding: 'utf8' }).stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function validate(object) {
  const model = (await import(moduleOf(object.apiVersion)))[object.kind];
  new model(object).validate();
}

test('no object has a field that its API version lacks, or lacks one that it must have', () => {
  assert.equal(complaints(all), '');
});

test('a misspelt field deep in an object is found', () => {
  const wrong = structuredClone([find(supervisor, 'StatefulSet'), find(pytorchJob, 'PyTorchJob')]);
  for (const { template } of podTemplates(wrong))
    template.spec.containers[0].imagePolicy = 'Always';
  assert.equal(complaints(wrong).match(/"imagePolicy"' does not exist/g)?.length, 2);
});

for (const object of all.filter((object) => object.kind !== 'PyTorchJob')) {
  test(`the values of ${nameOf(object)} are within bounds`, () => validate(object));
}

test("the values of the PyTorchJob's pods are within bounds", async () => {
  for (const { template } of podTemplates(pytorchJob)) {
    await validate({ apiVersion: 'v1', kind: 'PodTemplate', metadata: { name: 'pods' }, template });
  }
});
