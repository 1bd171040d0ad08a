// One's own kustomization over these sets where images come from, in every container.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { containersOf, manifests, podTemplates, render } from './manifests.mjs';

test('images are set', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lehr-'));
  try {
    const resources = ['overlays/monitoring', 'examples/job', 'examples/pytorchjob'].map((name) =>
      relative(folder, join(manifests, name)),
    );
    const images = ['lehr', 'lehr-train', 'my-trainer'].map((name) => ({
      name,
      newName: `registry.example/${name}`,
      newTag: '1',
    }));
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ resources, images }));
    const containers = podTemplates(render(folder)).flatMap(({ template }) =>
      containersOf(template),
    );
    assert.deepEqual(
      containers.map(({ image }) => image),
      ['lehr', 'lehr', 'lehr-train', 'lehr', 'my-trainer'].map(
        (name) => `registry.example/${name}:1`,
      ),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
