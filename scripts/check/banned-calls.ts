/**
 * The layers from base to node are pure and synchronous: no clock, timer, randomness, process or promise of their own. What
 * they need of these comes through Env, so that one seed replays a whole network. `control` is the contract of the two programs
 * and no part of that core. (Imports of `node:*` are the layer rule's.)
 */
import ts from 'typescript';
import type { SourceFile } from './source-files.ts';

export const PURE_LAYERS = /^src\/(base|wire|crypto|link|route|graph|bundle|discovery|tunnel|services|payment|node)\//;

const CLOCK = 'a clock; remedy: take `now` as an argument, or Clock through the constructor (src/base/env.ts)';
const TIMER = 'a timer; remedy: name the time in nextWakeAt() and act in wake(now)';
const RANDOM = 'randomness; remedy: take a RandomSource through the constructor (src/base/env.ts)';
const ASYNC = 'asynchronous; remedy: return the action, and let src/daemon wait for what has to be waited for';
const SYSTEM = 'the process itself; remedy: pass the value in from src/daemon';

/** Global names that may not be used at all. */
const BANNED_GLOBALS: Readonly<Record<string, string>> = {
  performance: CLOCK,
  setTimeout: TIMER,
  setInterval: TIMER,
  setImmediate: TIMER,
  queueMicrotask: ASYNC,
  Promise: ASYNC,
  process: SYSTEM,
  globalThis: SYSTEM,
  fetch: SYSTEM,
  require: SYSTEM,
};

/** Members of globals that are otherwise fine. */
const BANNED_MEMBERS: Readonly<Record<string, string>> = {
  'Date.now': CLOCK,
  'Math.random': RANDOM,
  'crypto.getRandomValues': RANDOM,
  'crypto.randomUUID': RANDOM,
};

/** One text for each banned use: `path:line: name is ...`. */
export function bannedCalls(file: SourceFile): string[] {
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ES2024, true);
  const found: string[] = [];
  const report = (node: ts.Node, name: string, reason: string) => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
    found.push(`${file.path}:${line}: ${name} is ${reason}`);
  };
  const visit = (node: ts.Node): void => {
    const member = ts.isPropertyAccessExpression(node) ? `${node.expression.getText(tree)}.${node.name.text}` : '';
    if (member in BANNED_MEMBERS) report(node, member, BANNED_MEMBERS[member]);
    if (ts.isNewExpression(node) && node.expression.getText(tree) === 'Date') report(node, 'new Date', CLOCK);
    if (ts.isAwaitExpression(node)) report(node, 'await', ASYNC);
    if (node.kind === ts.SyntaxKind.AsyncKeyword) report(node, 'async', ASYNC);
    if (ts.isIdentifier(node) && Object.hasOwn(BANNED_GLOBALS, node.text) && isGlobalUse(node)) {
      report(node, node.text, BANNED_GLOBALS[node.text]);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** A member, a declared name or a key may well be called `process`; only a use of the global counts. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isTypeReferenceNode(parent) || ts.isExpressionStatement(parent) || ts.isCallExpression(parent)) return true;
  const declared = parent as ts.Node & { readonly name?: ts.Node };
  return declared.name !== node;
}
