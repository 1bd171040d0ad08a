// What one object says of another is so: selectors, ports, names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find, job, podTemplates, pytorchJob, supervisor } from './manifests.mjs';

const statefulSet = find(supervisor, 'StatefulSet');
const { template } = statefulSet.spec;
const containerPorts = template.spec.containers[0].ports;
const services = supervisor.filter(({ kind }) => kind === 'Service');
const jobs = podTemplates([...job, ...pytorchJob]);

function selects(selector, labels) {
  assert.deepEqual(
    Object.keys(selector).filter((key) => key !== 'matchLabels'),
    [],
  );
  return Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value);
}

// The peers that may reach a port of the supervisor, over all policies.
function peersOf(portName) {
  return supervisor
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap(({ spec }) => spec.ingress)
    .filter(({ ports }) => ports.some(({ port }) => port === portName))
    .flatMap(({ from }) => from);
}

test('everything that selects the supervisor does', () => {
  const { labels } = template.metadata;
  assert.ok(selects(statefulSet.spec.selector, labels));
  assert.ok(selects(find(supervisor, 'PodDisruptionBudget').spec.selector, labels));
  for (const { kind, spec } of supervisor) {
    if (kind === 'Service') assert.ok(selects({ matchLabels: spec.selector }, labels));
    if (kind === 'NetworkPolicy') assert.ok(selects(spec.podSelector, labels));
  }
});

test("all of the supervisor's objects are in its namespace", () => {
  const namespace = find(supervisor, 'Namespace').metadata.name;
  for (const { kind, metadata } of supervisor) {
    if (kind !== 'Namespace') assert.equal(metadata.namespace, namespace);
  }
});

test('the ports of Services, policies and probes are those of the container', () => {
  const named = services.flatMap(({ spec }) => spec.ports.map(({ targetPort }) => targetPort));
  const policies = supervisor.filter(({ kind }) => kind === 'NetworkPolicy');
  for (const rule of policies.flatMap(({ spec }) => spec.ingress)) {
    named.push(...rule.ports.map(({ port }) => port));
  }
  const { startupProbe, livenessProbe, readinessProbe } = template.spec.containers[0];
  for (const probe of [startupProbe, livenessProbe, readinessProbe]) named.push(probe.httpGet.port);
  assert.deepEqual([...new Set(named)].sort(), containerPorts.map(({ name }) => name).sort());
});

test('the container listens on its ports', () => {
  const { args } = template.spec.containers[0];
  const portOf = Object.fromEntries(containerPorts.map((port) => [port.name, port.containerPort]));
  assert.ok(args.includes(`--listen=0.0.0.0:${portOf.grpc}`));
  assert.ok(args.includes(`--http=0.0.0.0:${portOf.http}`));
});

test("the StatefulSet's Service is headless, the other one is not", () => {
  assert.equal(find(supervisor, 'Service', statefulSet.spec.serviceName).spec.clusterIP, 'None');
  assert.equal(find(supervisor, 'Service', 'lehr').spec.clusterIP, undefined);
});

test('sidecars call a name and a port that the Service has', () => {
  const { metadata, spec } = find(supervisor, 'Service', 'lehr');
  const { port } = spec.ports.find(({ name }) => name === 'grpc');
  for (const { template } of jobs) {
    const upstream = `--upstream=${metadata.name}.${metadata.namespace}.svc:${port}`;
    assert.ok(template.spec.initContainers[0].args.includes(upstream));
  }
});

test('gRPC is for pods with the label of the jobs, from any namespace', () => {
  const peers = peersOf('grpc');
  assert.equal(peers.length, 1);
  assert.deepEqual(peers[0].namespaceSelector, {});
  for (const { template } of jobs)
    assert.ok(selects(peers[0].podSelector, template.metadata.labels));
});

test('HTTP is for Prometheus only', () => {
  const monitoring = { 'kubernetes.io/metadata.name': 'monitoring' };
  const prometheus = { 'app.kubernetes.io/name': 'prometheus' };
  assert.deepEqual(peersOf('http'), [
    { namespaceSelector: { matchLabels: monitoring }, podSelector: { matchLabels: prometheus } },
  ]);
});

test('the supervisor may call nobody', () => {
  const { spec } = find(supervisor, 'NetworkPolicy', 'lehr');
  assert.deepEqual(spec.policyTypes, ['Ingress', 'Egress']);
  assert.equal(spec.egress, undefined);
});

test('a sidecar is one that ends with its ranks, and no probe holds them back', () => {
  for (const { template } of jobs) {
    const [sidecar] = template.spec.initContainers;
    assert.equal(sidecar.restartPolicy, 'Always');
    assert.deepEqual(
      Object.keys(sidecar).filter((key) => /probe/i.test(key)),
      [],
    );
    assert.equal(template.spec.containers.length, 1);
  }
});

test('ranks speak to the sidecar of their pod', () => {
  for (const { template } of jobs) {
    const [{ command, args = [] }] = template.spec.containers;
    assert.ok([...command, ...args].includes('--supervisor=127.0.0.1:7070'));
  }
});
