import type { RunOverview } from '../../../server/web/src/api/messages';

// A run with nothing special, but for `change`.
export function overview(runId: string, change: Partial<RunOverview> = {}): RunOverview {
  return {
    runId,
    state: 'RUN_STATE_ACTIVE',
    condition: 'RUN_CONDITION_HEALTHY',
    conditionSince: '2026-01-01T00:00:00Z',
    conditionStep: '-1',
    generation: '1',
    worldSize: 1,
    connected: 1,
    step: '0',
    temperature: 0,
    rootMeanSquare: 0,
    mean: 0,
    imbalance: 0,
    deadExamples: '0',
    commands: '0',
    applied: '0',
    skipped: '0',
    noiseStddev: 0,
    noiseScale: 'NOISE_SCALE_UNSPECIFIED',
    opened: '2026-01-01T00:00:00Z',
    lastSeen: '2026-01-01T00:00:00Z',
    labels: {},
    policy: 'error_driven',
    breakerOpen: false,
    replicasDiffer: false,
    sparkline: {
      temperature: [],
      mean: [],
      acted: [],
      firstStep: '0',
      lastStep: '-1',
      bucketSteps: '1',
    },
    ...change,
  };
}
