// The JSON of proto/lehr/v1 as lehrd prints it: proto3's, with every field that is not a message.
// Units and bounds are in the protos. What no view reads is left out.

// A 64-bit integer. Steps and counts stay below 2^53 in practice; ids do not, and remain text.
export type Int64 = string;
// RFC 3339.
export type Timestamp = string;
// "10s".
export type Duration = string;

export interface Observation {
  count: Int64;
  temperature: number;
  magnitude: number;
  imbalance: number;
  rootMeanSquare: number;
  mean: number;
  max: number;
  nanLosses: Int64;
  infiniteLosses: Int64;
  negativeLosses: Int64;
  highest: ExampleLoss[];
  coverage: number;
  deadExamples: Int64;
  dead: ExampleLoss[];
  p10: number;
  p50: number;
  p90: number;
  tiedShare?: number;
}

export interface ExampleLoss {
  exampleId: Int64;
  loss: number;
}

export interface Policy {
  errorDriven?: { baseNoiseLevel?: number; minImbalance?: number };
  reheat?: { plannedSteps?: Int64 };
  observe: boolean;
}

export interface Guards {
  maxStddev?: number;
  cooldownSteps: number;
  budget: number;
  budgetWindowSteps: number;
  breakerFactor: number;
  breakerWindowSteps: number;
}

export interface RunSettings {
  policy: Policy;
  guards?: Guards;
  runSeed: Int64;
  scope: string;
  lag: number;
  lossOffset: number;
  stragglerTimeout?: Duration;
  joinTimeout?: Duration;
  quorum: number;
  datasetExamples: Int64;
  tableExamples: number;
  digestEverySteps: number;
}

export interface Reason {
  code: string;
  value: number;
  limit: number;
}

export interface Perturbation {
  stddev: number;
  scale: string;
  shrink?: number;
  optimizerState: string;
  tensorSelector: string;
}

export interface Action {
  perturb?: Perturbation;
  snapshot?: { id: Int64 };
  restore?: { id: Int64 };
  identity?: Record<string, never>;
  learningRate?: { factor: number };
}

export interface Decision {
  generation: Int64;
  step: Int64;
  applyStep: Int64;
  observation: Observation;
  reason: Reason;
  actions: Action[];
  withheld: Action[];
  reports: number;
  closedUnixNs: Int64;
  policy: string;
}

export interface Run {
  runId: string;
  state: string;
  generation: Int64;
  worldSize: number;
  connected: number;
  step: Int64;
  observation?: Observation;
  reason?: Reason;
  commands: Int64;
  applied: Int64;
  skipped: Int64;
  settings: RunSettings;
  labels: Record<string, string>;
  opened: Timestamp;
  lastSeen: Timestamp;
  breakerOpen: boolean;
  conflicts: Int64;
  replicasDifferStep?: Int64;
}

export interface Sparkline {
  temperature: number[];
  mean: number[];
  acted: number[];
  firstStep: Int64;
  lastStep: Int64;
  bucketSteps: Int64;
}

export interface RunOverview {
  runId: string;
  state: string;
  condition: string;
  conditionSince: Timestamp;
  conditionStep: Int64;
  generation: Int64;
  worldSize: number;
  connected: number;
  step: Int64;
  temperature: number;
  rootMeanSquare: number;
  mean: number;
  imbalance: number;
  deadExamples: Int64;
  commands: Int64;
  applied: Int64;
  skipped: Int64;
  reason?: Reason;
  noiseStddev: number;
  noiseScale: string;
  lastActedStep?: Int64;
  lossBeforeAct?: number;
  lossNow?: number;
  opened: Timestamp;
  lastSeen: Timestamp;
  labels: Record<string, string>;
  policy: string;
  breakerOpen: boolean;
  replicasDiffer: boolean;
  sparkline: Sparkline;
  tiedShare?: number;
}

export interface ListOverviewResponse {
  runs: RunOverview[];
  nextPageToken: string;
  actingStopped: boolean;
}

export interface GetRunResponse {
  run: Run;
  overview: RunOverview;
}

export interface HistoryEntry {
  decision: Decision;
  applied: number;
  skipped: number;
}

export interface GetHistoryResponse {
  entries: HistoryEntry[];
  nextPageToken: string;
}

export interface ExtentColumns {
  min: number[];
  max: number[];
  last: number[];
}

export interface GetSeriesResponse {
  generation: Int64;
  firstStep: Int64[];
  lastStep: Int64[];
  closedUnixNs: Int64[];
  temperature?: ExtentColumns;
  magnitude?: ExtentColumns;
  rootMeanSquare?: ExtentColumns;
  imbalance?: ExtentColumns;
  mean?: ExtentColumns;
  max?: ExtentColumns;
  p10?: ExtentColumns;
  p50?: ExtentColumns;
  p90?: ExtentColumns;
  tiedShare?: ExtentColumns;
  deadExamples?: ExtentColumns;
  stddev?: ExtentColumns;
  measured: number[];
  perturbations: number[];
  snapshots: number[];
  restores: number[];
  identities: number[];
  learningRates: number[];
  withheld: number[];
}

export interface RankStatus {
  rank: number;
  joined: boolean;
  connected: boolean;
  left: boolean;
  silent: boolean;
  step: Int64;
  stepsBehind: Int64;
  lastSeen?: Timestamp;
  behindSidecar: boolean;
}

export interface ListRanksResponse {
  ranks: RankStatus[];
  nextPageToken: string;
}

export interface GetAboutResponse {
  version: string;
  writable: boolean;
}
