// What the containers of the manifests run does so outside of them: with the manifests' own flags,
// files in a folder of this test, and free ports.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { find, job, projectFolder, pytorchJob, supervisor } from './manifests.mjs';

const run = promisify(execFile);
const binaries = process.env.LEHR_BINARIES;
const folder = mkdtempSync(join(tmpdir(), 'lehr-kubernetes-'));
const started = [];

const central = find(supervisor, 'StatefulSet').spec.template.spec.containers[0];
const jobPod = find(job, 'Job').spec.template.spec;
const pytorchPod = find(pytorchJob, 'PyTorchJob').spec.pytorchReplicaSpecs.Worker.template.spec;

// A flag or an environment variable with this machine's files for those of a container.
function here(text, certificate) {
  return text
    .replace('/var/lib/lehr', join(folder, 'data'))
    .replace('/etc/lehr/tls/tls.crt', join(folder, `${certificate}.pem`))
    .replace('/etc/lehr/tls/tls.key', join(folder, `${certificate}-key.pem`))
    .replace('/etc/lehr/tls/ca.crt', join(folder, 'ca.pem'));
}

// Its ports for gRPC and HTTP, once it serves on both.
async function startLehrd(flags) {
  const child = spawn(join(binaries, 'lehrd'), flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  started.push(child);
  const ports = {};
  const log = [];
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line);
    const serving = /msg="serving (\w+)" address=\S+:(\d+)/.exec(line);
    if (serving) ports[serving[1]] = serving[2];
    if (ports.gRPC && ports.HTTP) {
      // What it says later must not fill the pipe.
      child.stderr.resume();
      return ports;
    }
  }
  throw new Error(`lehrd did not start:\n${log.join('\n')}`);
}

async function statusOf(ports, path) {
  return (await fetch(`http://127.0.0.1:${ports.HTTP}${path}`)).status;
}

// A sidecar of the supervisor there, connected; its ports.
async function startSidecar(container, grpcPort) {
  const flags = container.args
    .map((flag) => here(flag, 'node'))
    .map((flag) => flag.replace(/^--upstream=.*/, `--upstream=localhost:${grpcPort}`));
  const ports = await startLehrd([...flags, '--listen=127.0.0.1:0', '--http=127.0.0.1:0']);
  for (const deadline = Date.now() + 60_000; (await statusOf(ports, '/readyz')) !== 200; ) {
    assert.ok(Date.now() < deadline, 'the sidecar is connected within a minute');
    await delay(50);
  }
  return ports;
}

let ports;

before(async () => {
  // The names that deploy/README.md gives the certificate.
  const names = ['supervisor,lehr.lehr.svc,localhost', 'node'];
  await run(join(projectFolder, 'deploy/make-certs'), [folder, ...names]);
  const onFreePorts = (flag) => flag.replace(/^(--(?:listen|http)=0\.0\.0\.0):\d+$/, '$1:0');
  ports = await startLehrd(central.args.map((flag) => onFreePorts(here(flag, 'supervisor'))));
});

after(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
  test(`the supervisor answers its ${name}`, async () => {
    assert.equal(await statusOf(ports, central[name].httpGet.path), 200);
  });
}

test("lehr finds the supervisor in the container's environment", async () => {
  const values = central.env.map(({ name, value }) => [name, here(value, 'supervisor')]);
  const env = { ...process.env, ...Object.fromEntries(values) };
  env.LEHR_SUPERVISOR = env.LEHR_SUPERVISOR.replace(/:7070$/, `:${ports.gRPC}`);
  await run(join(binaries, 'lehr'), ['runs'], { env });
});

test("the Job's ranks reach the supervisor by their sidecar", async () => {
  const sidecar = await startSidecar(jobPod.initContainers[0], ports.gRPC);
  const [ranks] = jobPod.containers;
  const flags = ranks.args
    .map((flag) => flag.replace('$(JOB_COMPLETION_INDEX)', '3'))
    .map((flag) => flag.replace('127.0.0.1:7070', `127.0.0.1:${sidecar.gRPC}`))
    .map((flag) => flag.replace(/^lehr-train$/, join(binaries, 'lehr-train')));
  // Tests may run as root, which the container does not.
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  await run(ranks.command[0], [...flags, '--steps=2'], { env });

  const answer = await fetch(`http://127.0.0.1:${ports.HTTP}/api/v1/runs/fashion-3`);
  const { worldSize, step } = (await answer.json()).run;
  assert.deepEqual({ worldSize, step }, { worldSize: 4, step: '1' });
});

test("the PyTorchJob's sidecar reaches the supervisor", async () => {
  await startSidecar(pytorchPod.initContainers[0], ports.gRPC);
});
