// The monitoring overlay watches what deploy/prometheus watches.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { find, manifests, projectFolder, supervisor } from './manifests.mjs';

const prometheus = join(projectFolder, 'deploy/prometheus');
const groupsOf = (file) => parse(readFileSync(join(prometheus, file), 'utf8')).groups;
const groups = ['lehr_rules.yaml', 'lehr_alerts.yaml'].flatMap(groupsOf);

test('the rules are those of deploy/prometheus', () => {
  assert.deepEqual(find(supervisor, 'PrometheusRule').spec.groups, groups);
});

test('the file with the rules is what make-prometheus-rule prints', () => {
  const made = execFileSync(join(manifests, 'make-prometheus-rule'), { encoding: 'utf8' });
  const file = join(manifests, 'overlays/monitoring/prometheusrule.yaml');
  assert.equal(readFileSync(file, 'utf8'), made);
});

test('one Service is scraped, as the job that the rules look for', () => {
  const { selector, endpoints } = find(supervisor, 'ServiceMonitor').spec;
  const scraped = supervisor.filter(
    ({ kind, metadata, spec }) =>
      kind === 'Service' &&
      Object.entries(selector.matchLabels).every(
        ([key, value]) => metadata.labels[key] === value,
      ) &&
      spec.ports.some(({ name }) => name === endpoints[0].port),
  );
  assert.equal(endpoints.length, 1);
  const jobs = JSON.stringify(groups).match(/job=\\"[^"\\]*/g);
  assert.deepEqual(
    [...new Set(jobs)],
    scraped.map(({ metadata }) => `job=\\"${metadata.name}`),
  );
});
