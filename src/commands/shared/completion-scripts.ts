import type { Asked, CompletedCommand, CompletedFlag, Completion, Values } from './completion.ts';

/** Scripts that the shells of their names read. */
export const SCRIPTS: Readonly<Record<string, (completion: Completion) => string>> = { bash, fish, zsh };

/** A word of any shell, whatever is in it; fish alone knows a backslash between single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

/** `-o --out`, as they are typed. */
function spellings({ name, char }: CompletedFlag): string[] {
  return [...(char === undefined ? [] : [`-${char}`]), `--${name}`];
}

/** The words that may come next behind `before`: commands, or those of a topic. */
function next({ commands, topics }: Completion, before?: string): { name: string; summary: string }[] {
  if (before !== undefined)
    return commands.flatMap(({ words: [first, second], summary }) =>
      first === before && second !== undefined ? [{ name: second, summary }] : [],
    );
  const single = commands.flatMap(({ words: [name = '', ...more], summary }) =>
    more.length === 0 ? [{ name, summary }] : [],
  );
  return [...single, ...topics].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Longer ones first: `host-key show` is not `show`. */
function longestFirst({ commands }: Completion): CompletedCommand[] {
  return commands.toSorted((a, b) => b.words.length - a.words.length);
}

/** Whether commas stand between what is asked for. */
function several({ ask }: { ask: Asked }): boolean {
  return ask === 'limit';
}

function names(list: readonly { name: string }[]): string {
  return list.map(({ name }) => name).join(' ');
}

function bash(completion: Completion): string {
  const { bin, topics } = completion;
  const cases = longestFirst(completion).map((command) => {
    const flags = quoted(command.flags.flatMap(spellings).join(' '));
    const valued = command.flags.map((flag) => ({ spelled: spellings(flag).join('|'), value: flag.value }));
    const values = valued.flatMap(({ spelled, value }) =>
      value === undefined ? [] : [`${spelled}) ${offer(value)} ;;`],
    );
    return `    '${command.words.join(' ')} '*)
      case $previous in
        ${[...values, `*) if [[ $cur == -* ]]; then _${bin}_offer ${flags}; else ${offer(command.value ?? 'any')}; fi ;;`].join('\n        ')}
      esac ;;`;
  });
  const words = topics.map(({ name }) => `    '${name} ') _${bin}_offer ${quoted(names(next(completion, name)))} ;;`);
  return `# ${bin}: completion for bash. To use it: source <(${bin} autocomplete bash)
_${bin}_offer() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_${bin}_files() { compopt -o filenames; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur")); }
# Several with commas between: what stands before the last comma stays.
_${bin}_list() {
  local kept=; [[ $cur == *,* ]] && kept=\${cur%,*},
  compopt -o nospace
  COMPREPLY=($(compgen -P "$kept" -W "$1" -- "\${cur##*,}"))
}
_${bin}_ask() { ${bin} complete "$1" -- "\${words[@]}" 2>/dev/null; }
_${bin}() {
  local IFS=$' \\n' word raw=\${COMP_WORDS[COMP_CWORD]} whole cur previous flag=
  local -a words=()
  COMPREPLY=()
  # Of \`--limit=role:worker\` bash makes five.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if ((\${#words[@]})) && [[ $word == [:=] || \${words[-1]} == *[:=] ]]; then words[-1]+=$word; else words+=("$word"); fi
  done
  whole=\${words[-1]} cur=$whole
  unset 'words[-1]'
  ((\${#words[@]})) && previous=\${words[-1]}
  [[ $whole == --*=* ]] && flag=\${whole%%=*}= cur=\${whole#*=} previous=\${whole%%=*}
  [[ $raw == [:=] ]] && raw=
  case "\${words[*]} " in
    ' ') _${bin}_offer ${quoted(names(next(completion)))} ;;
${[...cases, ...words].join('\n')}
  esac
  COMPREPLY=("\${COMPREPLY[@]/#/$flag}")
  COMPREPLY=("\${COMPREPLY[@]#"\${whole%"$raw"}"}")
}
complete -F _${bin} ${bin}
`;

  function offer(value: Values): string {
    if (value === 'file') return `_${bin}_files`;
    if (value === 'any') return ':';
    if ('ask' in value) return `_${bin}_${several(value) ? 'list' : 'offer'} "$(_${bin}_ask ${value.ask})"`;
    return 'one' in value
      ? `_${bin}_offer ${quoted(value.one.join(' '))}`
      : `_${bin}_list ${quoted(value.list.join(' '))}`;
  }
}

function zsh(completion: Completion): string {
  const { bin, topics } = completion;
  const described = (list: readonly { name: string; summary: string }[]): string =>
    list.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ');
  const cases = longestFirst(completion).map(({ words, flags, value }) => {
    const specs = [...flags.flatMap(spec), ...(value === undefined ? [] : [quoted(`*:${action('value', value)}`)])];
    return `    '${words.join(' ')} '*)
      words=("\${(@)words[${words.length + 1},-1]}")
      (( CURRENT -= ${words.length} ))
      _arguments -S ${specs.join(' \\\n        ')} ;;`;
  });
  const choices = topics.map(
    ({ name }) => `    '${name} ') list=(${described(next(completion, name))}); _describe command list ;;`,
  );
  return `#compdef ${bin}
# ${bin}: completion for zsh. To use it: source <(${bin} autocomplete zsh), after compinit; or keep it as _${bin} in fpath.
_${bin}_ask() { reply=(\${(f)"$(${bin} complete $1 -- $words 2>/dev/null)"}); }
_${bin}_host() { local reply; _${bin}_ask host; compadd "$@" -a reply; }
_${bin}_limit() { local reply; _${bin}_ask limit; compadd "$@" -a reply; }
_${bin}() {
  local -a list
  case "\${(j: :)words[2,CURRENT - 1]} " in
    ' ') list=(${described(next(completion))}); _describe command list ;;
${[...cases, ...choices].join('\n')}
  esac
}
if [[ $funcstack[1] == _${bin} ]]; then _${bin}; else compdef _${bin} ${bin}; fi
`;

  function spec(flag: CompletedFlag): string[] {
    const summary = flag.summary.replaceAll(/[[\]:\\]/g, '\\$&');
    const takes = flag.value === undefined ? '' : `:${action(flag.name, flag.value)}`;
    const joined = (spelled: string): string => (takes !== '' && spelled.startsWith('--') ? '=' : '');
    return spellings(flag).map((spelled) => quoted(`*${spelled}${joined(spelled)}[${summary}]${takes}`));
  }

  function action(title: string, value: Values): string {
    if (value === 'file') return `${title}:_files`;
    if (value === 'any') return `${title}: `;
    if ('ask' in value) return `${title}:${several(value) ? '_sequence -s , ' : ''}_${bin}_${value.ask}`;
    return 'one' in value
      ? `${title}:(${value.one.join(' ')})`
      : `${title}:_values -s , ${title} ${value.list.join(' ')}`;
  }
}

function fish(completion: Completion): string {
  const { bin, topics } = completion;
  const offered = (condition: string, list: readonly { name: string; summary: string }[]): string[] =>
    list.map(({ name, summary }) => line(condition, `-a ${name} -d ${fishQuoted(summary)}`));
  const commands = completion.commands.flatMap(({ words, flags, value }) => {
    const here = `__${bin}_in ${words.join(' ')}`;
    const lines = flags.map(({ name, char, summary, value: takes }) => {
      const short = char === undefined ? '' : `-s ${char} `;
      return line(here, `${short}-l ${name} -d ${fishQuoted(summary)}${takes === undefined ? '' : ` ${offer(takes)}`}`);
    });
    return value === undefined || value === 'any' ? lines : [...lines, line(here, offer(value).replace('-x ', ''))];
  });
  return `# ${bin}: completion for fish. To use it: ${bin} autocomplete fish > ~/.config/fish/completions/${bin}.fish
function __${bin}_at
    set -l words (commandline -opc)
    test "$words[2..-1]" = "$argv"
end
function __${bin}_in
    set -l words (commandline -opc)[2..-1]
    set -l first $words[1..(count $argv)]
    test "$first" = "$argv"
end
function __${bin}_ask
    ${bin} complete $argv -- (commandline -opc)[2..-1] 2>/dev/null
end
complete -c ${bin} -f
${[...offered(`__${bin}_at`, next(completion)), ...topics.flatMap(({ name }) => offered(`__${bin}_at ${name}`, next(completion, name))), ...commands].join('\n')}
`;

  function line(condition: string, rest: string): string {
    return `complete -c ${bin} -n '${condition}' ${rest}`;
  }

  function offer(value: Values): string {
    if (value === 'file') return '-r -F';
    if (value === 'any') return '-x';
    if ('ask' in value) {
      const asked = `(__${bin}_ask ${value.ask})`;
      return `-x -a ${fishQuoted(several(value) ? `(__fish_append , ${asked})` : asked)}`;
    }
    if ('one' in value) return `-x -a ${fishQuoted(value.one.join(' '))}`;
    return `-x -a ${fishQuoted(`(__fish_append , ${value.list.join(' ')})`)}`;
  }
}
