// Every pod is one that Pod Security "restricted" lets in
// (https://kubernetes.io/docs/concepts/security/pod-security-standards), writes nothing but its volumes,
// and says what it needs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, containersOf, find, podTemplates, supervisor } from './manifests.mjs';

const volumesAllowed = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

function checkPod(pod) {
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) assert.ok(!pod[field], field);
  const { securityContext } = pod;
  assert.equal(securityContext.runAsNonRoot, true);
  assert.notEqual(securityContext.runAsUser, 0);
  assert.equal(securityContext.seccompProfile.type, 'RuntimeDefault');
  for (const field of ['sysctls', 'seLinuxOptions', 'appArmorProfile', 'windowsOptions']) {
    assert.equal(securityContext[field], undefined, field);
  }
  for (const { name, ...source } of pod.volumes ?? []) {
    assert.ok(volumesAllowed.includes(Object.keys(source)[0]), `volume ${name}`);
  }
}

function checkContainer({ name, securityContext, resources, ports }) {
  // Nothing else: each further field could take back what the pod's context says.
  assert.deepEqual(
    securityContext,
    {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    name,
  );
  for (const port of ports ?? []) assert.equal(port.hostPort, undefined, name);
  assert.ok(resources.requests.cpu && resources.requests.memory, `${name} requests`);
  assert.ok(resources.limits.memory, `${name} limits its memory`);
}

test("the supervisor's namespace asks for it", () => {
  const { labels } = find(supervisor, 'Namespace').metadata;
  assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted');
});

test('there are pods of three kinds', () => {
  const owners = podTemplates(all).map(({ of }) => of);
  assert.deepEqual(owners, ['StatefulSet lehr', 'Job fashion', 'PyTorchJob my-run']);
});

for (const { of, template } of podTemplates(all)) {
  test(`${of} is restricted`, () => {
    checkPod(template.spec);
    for (const container of containersOf(template)) checkContainer(container);
  });

  test(`${of} has no token for the Kubernetes API`, () => {
    const account = template.spec.serviceAccountName;
    const owner = account ? find(supervisor, 'ServiceAccount', account) : template.spec;
    assert.equal(owner.automountServiceAccountToken, false);
  });

  test(`${of} mounts the volumes that it has`, () => {
    const statefulSet = find(supervisor, 'StatefulSet');
    const claims = of === 'StatefulSet lehr' ? statefulSet.spec.volumeClaimTemplates : [];
    const volumes = [...template.spec.volumes, ...claims.map(({ metadata }) => metadata)];
    const mounts = containersOf(template).flatMap((container) => container.volumeMounts);
    const names = (list) => [...new Set(list.map(({ name }) => name))].sort();
    assert.deepEqual(names(mounts), names(volumes));
  });
}
