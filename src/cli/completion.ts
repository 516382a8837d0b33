/** Shell completion scripts, made from the command tree itself so that they can't fall behind it. */
import type { Command } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Choice {
  readonly word: string;
  readonly about: string;
}

/** One command: what may follow it. */
interface CommandNode {
  /** Words from the program's name on, `['gateway', 'use']`. */
  readonly path: readonly string[];
  readonly about: string;
  readonly commands: readonly Choice[];
  /** Allowed values of its arguments. */
  readonly values: readonly Choice[];
  readonly options: readonly Choice[];
  readonly takesFile: boolean;
}

/** Options that are followed by a path. */
const PATH_OPTIONS = ['--socket', '--out', '--key-file', '--config'] as const;

export function completionScript(shell: Shell, program: Command): string {
  const nodes = nodesOf(program, []);
  switch (shell) {
    case 'bash':
      return bashScript(program.name(), nodes);
    case 'zsh':
      return zshScript(program.name(), nodes);
    case 'fish':
      return fishScript(program.name(), nodes);
  }
}

function nodesOf(command: Command, path: readonly string[]): CommandNode[] {
  const help = command.createHelp();
  const visible = help.visibleCommands(command);
  const node: CommandNode = {
    path,
    about: command.description(),
    commands: visible.map((child) => ({ word: child.name(), about: firstLine(child.description()) })),
    values: command.registeredArguments.flatMap((argument) =>
      (argument.argChoices ?? []).map((word) => ({ word, about: argument.description })),
    ),
    options: help.visibleOptions(command).flatMap((option) => {
      return option.long == null ? [] : [{ word: option.long, about: firstLine(option.description) }];
    }),
    takesFile: command.registeredArguments.some((argument) => argument.name() === 'file'),
  };
  return [
    node,
    ...visible.filter((child) => child.name() !== 'help').flatMap((child) => nodesOf(child, [...path, child.name()])),
  ];
}

function bashScript(name: string, nodes: readonly CommandNode[]): string {
  const cases = nodes.map((node) => {
    const words = [...node.commands, ...node.values, ...node.options].map((choice) => choice.word);
    const files = node.takesFile ? `; files=yes` : '';
    return `    ${quoted(pathText(node))}) words=${quoted(words.join(' '))}${files} ;;`;
  });
  return `# bash completion for ${name}: source this, or put it into /usr/share/bash-completion/completions/${name}
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} command='' words='' files='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${knownPaths(nodes)}) command="$command \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$command" in
${cases.join('\n')}
  esac
  case "$previous" in
    ${PATH_OPTIONS.join(' | ')}) words='' files=yes ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ -n $files && $current != -* ]]; then
    mapfile -t -O \${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _${name} ${name}
`;
}

function zshScript(name: string, nodes: readonly CommandNode[]): string {
  const cases = nodes.map((node) => {
    const words = [...node.commands, ...node.values].map(zshChoice).join(' ');
    const files = node.takesFile ? '; files=yes' : '';
    return `    ${quoted(pathText(node))}) words_=(${words}); options_=(${node.options.map(zshChoice).join(' ')})${files} ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}: put it into a folder of $fpath as _${name}
_${name}() {
  local command_='' files='' i
  local -a words_ options_
  for ((i = 2; i < CURRENT; i++)); do
    case "$command_ \${words[i]}" in
      ${knownPaths(nodes)}) command_="$command_ \${words[i]}" ;;
    esac
  done
  case "\${words[CURRENT - 1]}" in
    ${PATH_OPTIONS.join(' | ')}) _files; return ;;
  esac
  case "$command_" in
${cases.join('\n')}
  esac
  [[ -n $files && $PREFIX != -* ]] && _files
  (( \${#words_} )) && _describe -t commands ${name} words_
  _describe -o -t options option options_
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function zshChoice(choice: Choice): string {
  return quoted(`${choice.word.replaceAll(':', '\\:')}:${choice.about.replaceAll(':', '\\:')}`);
}

function fishScript(name: string, nodes: readonly CommandNode[]): string {
  const lines = [`# fish completion for ${name}: put it into ~/.config/fish/completions/${name}.fish`];
  lines.push(`complete -c ${name} -f`);
  for (const node of nodes) {
    const condition = fishCondition(node);
    for (const choice of [...node.commands, ...node.values]) {
      lines.push(`complete -c ${name} -n ${quoted(condition)} -a ${choice.word} -d ${quoted(choice.about)}`);
    }
    for (const option of node.options) {
      const value = (PATH_OPTIONS as readonly string[]).includes(option.word) ? ' -rF' : '';
      lines.push(
        `complete -c ${name} -n ${quoted(condition)} -l ${option.word.slice(2)}${value} -d ${quoted(option.about)}`,
      );
    }
    if (node.takesFile) lines.push(`complete -c ${name} -n ${quoted(condition)} -F`);
  }
  return `${lines.join('\n')}\n`;
}

/** Holds where this command was typed and none of its subcommands. */
function fishCondition(node: CommandNode): string {
  if (node.path.length === 0) return '__fish_use_subcommand';
  const typed = node.path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const children = node.commands.map((choice) => choice.word);
  const further = children.length === 0 ? [] : [`not __fish_seen_subcommand_from ${children.join(' ')}`];
  return [...typed, ...further].join('; and ');
}

function knownPaths(nodes: readonly CommandNode[]): string {
  return nodes
    .filter((node) => node.path.length > 0)
    .map((node) => quoted(pathText(node)))
    .join(' | ');
}

function pathText(node: CommandNode): string {
  return node.path.map((word) => ` ${word}`).join('');
}

/** In single quotes, which all three shells read alike but for a quote inside: descriptions have none of those. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function firstLine(text: string): string {
  return text.split('\n')[0];
}
