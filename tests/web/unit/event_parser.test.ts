import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser } from '../../../server/web/src/api/event_parser';

const stream = ': hello\n\nevent: run\ndata: {"a":1}\n\ndata: x\ndata: y\n\n';
const events = [
  { name: 'run', data: '{"a":1}' },
  { name: 'message', data: 'x\ny' },
];

test('events come out of one piece', () => {
  assert.deepEqual(new EventParser().push(stream), events);
});

test('events come out of pieces of every size, with every kind of line end', () => {
  for (const end of ['\n', '\r\n']) {
    const text = stream.replaceAll('\n', end);
    for (let size = 1; size < 12; ++size) {
      const parser = new EventParser();
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      assert.deepEqual(
        pieces.flatMap((piece) => parser.push(piece)),
        events,
        `pieces of ${size}`,
      );
    }
  }
});

test('an event that is not ended is none', () => {
  assert.deepEqual(new EventParser().push('event: run\ndata: {}\n'), []);
});
