import { describe, expect, test } from 'vitest';
import {
  errorLine,
  MAX_LINE_BYTES,
  readRequest,
  readResponse,
  requestLine,
  resultLine,
} from '../../../src/control/envelope.ts';
import { LineReader } from '../../../src/control/line-reader.ts';

const KEY = `02${'a'.repeat(64)}`;

describe('a request', () => {
  test('is read back as it was written, with defaults filled in', () => {
    expect(readRequest(requestLine(7, 'ping', { key: KEY }))).toEqual({
      id: 7,
      call: { method: 'ping', params: { key: KEY, count: 4, timeout_ms: 2000 } },
    });
  });

  test('may leave out empty parameters', () => {
    expect(readRequest('{"v":1,"id":0,"method":"status"}')).toEqual({ id: 0, call: { method: 'status', params: {} } });
  });

  test.each([
    ['no JSON', 'status', null, 'bad-request', 'control-malformed'],
    ['no object', '[]', null, 'bad-request', 'control-malformed'],
    ['null', 'null', null, 'bad-request', 'control-malformed'],
    ['no version', '{"id":1,"method":"status"}', 1, 'bad-request', 'control-malformed'],
    ['no id', '{"v":1,"method":"status"}', null, 'bad-request', 'control-malformed'],
    ['a negative id', '{"v":1,"id":-1,"method":"status"}', null, 'bad-request', 'control-malformed'],
    ['an id that is no integer', '{"v":1,"id":1e300,"method":"status"}', null, 'bad-request', 'control-malformed'],
    ['an unknown member', '{"v":1,"id":1,"method":"status","x":1}', 1, 'bad-request', 'control-malformed'],
    ['another version', '{"v":2,"id":3,"verb":"status"}', 3, 'unsupported-version', 'control-version'],
    ['an unknown method', '{"v":1,"id":4,"method":"stats"}', 4, 'unknown-method', 'control-method'],
    ['a method of the prototype', '{"v":1,"id":4,"method":"constructor"}', 4, 'unknown-method', 'control-method'],
    [
      'parameters that are none',
      '{"v":1,"id":5,"method":"status","params":{"x":1}}',
      5,
      'bad-params',
      'control-params',
    ],
    ['a list of parameters', '{"v":1,"id":5,"method":"ping","params":[]}', 5, 'bad-params', 'control-params'],
    ['a bad key', '{"v":1,"id":5,"method":"ping","params":{"key":"x"}}', 5, 'bad-params', 'control-params'],
    [
      'too many pings',
      `{"v":1,"id":5,"method":"ping","params":{"key":"${KEY}","count":21}}`,
      5,
      'bad-params',
      'control-params',
    ],
    [
      'a gateway that is no name',
      '{"v":1,"id":5,"method":"gateway.use","params":{"gateway":"x"}}',
      5,
      'bad-params',
      'control-params',
    ],
  ])('with %s is answered with an error and counted', (_name, line, id, code, drop) => {
    expect(readRequest(line)).toMatchObject({ id, error: { code }, drop });
  });

  test('with a mistyped method gets a suggestion', () => {
    expect(readRequest('{"v":1,"id":4,"method":"stauts"}')).toMatchObject({
      error: { remedy: 'Did you mean status?' },
    });
  });
});

describe('a response', () => {
  test('is read back as it was written', () => {
    expect(readResponse(resultLine(7, { a: 1 }))).toEqual({ v: 1, id: 7, result: { a: 1 } });
    const error = { code: 'not-permitted', message: 'm', remedy: 'r' } as const;
    expect(readResponse(errorLine(null, error))).toEqual({ v: 1, id: null, error });
  });

  test.each(['', 'x', '{}', '{"v":2,"id":1,"result":{}}', '{"v":1,"id":1}', '{"v":1,"id":1,"error":{"code":"x"}}'])(
    '%j is none',
    (line) => {
      expect(readResponse(line)).toBeUndefined();
    },
  );
});

describe('lines', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('come out whole, however the stream was cut', () => {
    const reader = new LineReader();
    expect(reader.push(bytes('a\nbc'))).toEqual(['a']);
    expect(reader.push(bytes(''))).toEqual([]);
    expect(reader.push(bytes('d\n\ne\n'))).toEqual(['bcd', '', 'e']);
  });

  test('may be as long as the limit and not a byte longer', () => {
    const longest = 'x'.repeat(MAX_LINE_BYTES);
    expect(new LineReader().push(bytes(`${longest}\n`))).toEqual([longest]);
    expect(new LineReader().push(bytes(`${longest}x`))).toBeUndefined();
    const reader = new LineReader();
    expect(reader.push(bytes(longest))).toEqual([]);
    expect(reader.push(bytes('x'))).toBeUndefined();
  });
});
