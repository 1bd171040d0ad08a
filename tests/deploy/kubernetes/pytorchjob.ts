// PyTorchJob as Kubeflow's training operator 1.9 takes it, in so far as one may need it here.
import type { IPodTemplateSpec } from 'kubernetes-models/v1';

interface ReplicaSpec {
  replicas?: number;
  restartPolicy?: 'Always' | 'OnFailure' | 'Never' | 'ExitCode';
  template: IPodTemplateSpec;
}

export interface IPyTorchJob {
  apiVersion: 'kubeflow.org/v1';
  kind: 'PyTorchJob';
  metadata: NonNullable<IPodTemplateSpec['metadata']>;
  spec: {
    nprocPerNode?: string;
    elasticPolicy?: {
      rdzvBackend?: 'c10d' | 'etcd' | 'etcd-v2';
      minReplicas?: number;
      maxReplicas?: number;
      maxRestarts?: number;
    };
    pytorchReplicaSpecs: { Master?: ReplicaSpec; Worker?: ReplicaSpec };
  };
}
