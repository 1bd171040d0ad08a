import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fleetDefaults,
  formatFragment,
  parseFragment,
  type ViewState,
} from '../../../server/web/src/view_state';

test('no fragment is the fleet, and its defaults are no text', () => {
  for (const link of ['', '#', '#/', '#/?']) {
    assert.deepEqual(parseFragment(link), fleetDefaults, link);
  }
  assert.equal(formatFragment(fleetDefaults), '#/');
});

test('a link keeps the view', () => {
  const states: ViewState[] = [
    {
      view: 'fleet',
      sort: 'temperature',
      descending: true,
      text: 'xor relu&x=1',
      conditions: ['stalled', 'silent'],
      selected: ['a.b', 'c-d_e'],
    },
    {
      view: 'run',
      runId: 'xor-2',
      axis: 'time',
      from: 0,
      to: 900,
      generation: 2,
      size: 'magnitude',
      log: true,
      all: true,
    },
    { view: 'compare', runs: ['a', 'b'], align: 'time', range: [1.5, 20], log: true },
  ];
  for (const state of states) {
    assert.deepEqual(parseFragment(formatFragment(state)), state);
  }
});

test('what makes no sense is taken for the default', () => {
  assert.deepEqual(parseFragment('#/?sort=nothing&condition=bored&order=up'), fleetDefaults);
  const run = parseFragment('#/run/r?from=9&to=3&axis=sideways&generation=-1&size=1');
  assert.deepEqual(run, {
    view: 'run',
    runId: 'r',
    axis: 'step',
    from: null,
    to: null,
    generation: null,
    size: 'rms',
    log: false,
    all: false,
  });
  const compare = parseFragment('#/compare?runs=,a,,a,b&range=5-2');
  assert.deepEqual(compare, {
    view: 'compare',
    runs: ['a', 'b'],
    align: 'step',
    range: null,
    log: false,
  });
});

test('a wrong path is unknown, and stays what it was', () => {
  for (const link of ['#/nowhere', '#/run', '#/run/', '#/run/a/b', '#/run/%E0%A4%A', '#main']) {
    assert.deepEqual(parseFragment(link), { view: 'unknown', link }, link);
  }
});

test('markup in a run id is text of the link', () => {
  const runId = '<img src=x onerror=alert(1)>';
  const state = parseFragment(`#/run/${encodeURIComponent(runId)}`);
  assert.equal(state.view === 'run' && state.runId, runId);
  assert.ok(!formatFragment(state).includes('<'));
});
