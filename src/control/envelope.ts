/**
 * The control socket's lines (docs/cli.md, section "The control socket"): one JSON object a line, UTF-8.
 *
 *   request    {"v":1, "id":7, "method":"ping", "params":{...}}                 params may be left out
 *   response   {"v":1, "id":7, "result":{...}}
 *              {"v":1, "id":7, "error":{"code":"...", "message":"...", "remedy":"..."}}    id null: the request had none
 *
 * Requests are hostile input: reading one gives a call, or an error to answer with and the name it is counted under.
 */
import * as v from 'valibot';
import type { FailureCode } from '../base/failure.ts';
import { closestWord } from './did-you-mean.ts';
import { type ControlCall, METHODS, type MethodName } from './schema.ts';
import { CONTROL_VERSION } from './version.ts';

/** Without the newline; requests and responses alike. */
export const MAX_LINE_BYTES = 65_536;

/** A `Failure` of the daemon, or something about the request itself. */
export type ControlErrorCode =
  | FailureCode
  | 'bad-request'
  | 'unsupported-version'
  | 'unknown-method'
  | 'bad-params'
  | 'busy'
  | 'timeout'
  | 'internal';

export interface ControlError {
  readonly code: ControlErrorCode;
  readonly message: string;
  readonly remedy: string;
}

export type RequestDrop = 'control-malformed' | 'control-version' | 'control-method' | 'control-params';

export type ReadRequest =
  | { readonly id: number; readonly call: ControlCall; readonly error?: never }
  | { readonly id: number | null; readonly error: ControlError; readonly drop: RequestDrop };

const Id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const RequestEnvelope = v.strictObject({
  v: v.number(),
  id: Id,
  method: v.string(),
  params: v.optional(v.unknown(), {}),
});

export function readRequest(line: string): ReadRequest {
  const json = parseJson(line);
  const id = idOf(json);
  const refuse = (drop: RequestDrop, code: ControlErrorCode, message: string, remedy: string): ReadRequest => ({
    id,
    error: { code, message, remedy },
    drop,
  });
  // Before anything else: a later version may look different in all but this.
  const version = (json as { v?: unknown } | null | undefined)?.v;
  if (typeof version === 'number' && version !== CONTROL_VERSION) {
    const remedy = `Send "v":${CONTROL_VERSION}; are the daemon and this program of the same release?`;
    return refuse('control-version', 'unsupported-version', `version ${version} is not spoken here`, remedy);
  }
  const envelope = v.safeParse(RequestEnvelope, json);
  if (!envelope.success) {
    const remedy = `Send one line like {"v":${CONTROL_VERSION},"id":1,"method":"status"}`;
    return refuse('control-malformed', 'bad-request', 'that is not a request', remedy);
  }
  const { method, params } = envelope.output;
  if (!isMethod(method)) {
    const meant = closestWord(method, Object.keys(METHODS));
    const remedy = meant === undefined ? `There are ${Object.keys(METHODS).join(', ')}` : `Did you mean ${meant}?`;
    const named = JSON.stringify(method.slice(0, 40));
    return refuse('control-method', 'unknown-method', `there is no method ${named}`, remedy);
  }
  const checked = v.safeParse(METHODS[method].params, params);
  if (!checked.success) {
    const issue = checked.issues[0];
    const where = v.getDotPath(issue) ?? 'params';
    return refuse('control-params', 'bad-params', `${where}: ${issue.message}`, `See docs/cli.md for ${method}`);
  }
  return { id: envelope.output.id, call: { method, params: checked.output } as ControlCall };
}

export function isMethod(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}

export function requestLine(id: number, method: MethodName, params: unknown): string {
  return `${JSON.stringify({ v: CONTROL_VERSION, id, method, params })}\n`;
}

export function resultLine(id: number, result: unknown): string {
  return `${JSON.stringify({ v: CONTROL_VERSION, id, result })}\n`;
}

export function errorLine(id: number | null, error: ControlError): string {
  return `${JSON.stringify({ v: CONTROL_VERSION, id, error })}\n`;
}

const ResponseEnvelope = v.union([
  v.object({ v: v.literal(CONTROL_VERSION), id: Id, result: v.unknown() }),
  v.object({
    v: v.literal(CONTROL_VERSION),
    id: v.nullable(Id),
    error: v.object({ code: v.string(), message: v.string(), remedy: v.string() }),
  }),
]);

export type Response = v.InferOutput<typeof ResponseEnvelope>;

/** Undefined when the line is no response of this version. */
export function readResponse(line: string): Response | undefined {
  const parsed = v.safeParse(ResponseEnvelope, parseJson(line));
  return parsed.success ? parsed.output : undefined;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function idOf(json: unknown): number | null {
  const parsed = v.safeParse(Id, (json as { id?: unknown } | null | undefined)?.id);
  return parsed.success ? parsed.output : null;
}
