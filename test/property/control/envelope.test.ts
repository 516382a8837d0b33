import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readRequest, readResponse, requestLine, resultLine } from '../../../src/control/envelope.ts';
import { LineReader } from '../../../src/control/line-reader.ts';
import { METHODS } from '../../../src/control/schema.ts';

test('no line makes a reader throw', () => {
  const request = fc.record(
    {
      v: fc.oneof(fc.constant(1), fc.jsonValue()),
      id: fc.oneof(fc.nat(), fc.jsonValue()),
      method: fc.oneof(fc.constantFrom(...Object.keys(METHODS)), fc.string()),
      params: fc.oneof(fc.constant({}), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  const line = fc.oneof(
    request.map((value) => JSON.stringify(value)),
    fc.json(),
    fc.string(),
  );
  fc.assert(
    fc.property(line, (text) => {
      const read = readRequest(text);
      expect(
        read.error === undefined ? Object.hasOwn(METHODS, read.call.method) : read.drop.startsWith('control-'),
      ).toBe(true);
      readResponse(text);
    }),
    { numRuns: 3000 },
  );
});

test('any id and result come back as they were', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.jsonValue(), (id, value) => {
      const result = JSON.parse(JSON.stringify(value));
      expect(readResponse(resultLine(id, result))).toEqual({ v: 1, id, result });
      expect(readRequest(requestLine(id, 'peers', {}))).toEqual({ id, call: { method: 'peers', params: {} } });
    }),
  );
});

test('lines do not depend on how the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat({ max: 40 })), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', ' '));
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(''));
      const reader = new LineReader();
      const read: string[] = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        read.push(...reader.push(bytes.subarray(from, from + cut))!);
        from += cut;
      }
      // A lone surrogate has no UTF-8, and a byte order mark is not part of a line's text.
      const asUtf8 = (text: string) => new TextDecoder().decode(new TextEncoder().encode(text));
      expect(read).toEqual(lines.map(asUtf8));
    }),
  );
});
