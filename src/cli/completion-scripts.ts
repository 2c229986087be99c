// Each asks the program itself: `slipway complete -- WORDS…`, the last word being the one under the cursor. It answers with
// `value TAB description` lines and, last, `:0` when file names are wanted, `:4` when not (cobra's directives). The scripts
// hand over words as they stand: nothing that was typed is evaluated.

const bash = `# bash completion for slipway
_slipway() {
  local line=\${COMP_LINE:0:COMP_POINT} words answer
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  mapfile -t answer < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=()
  [[ \${#answer[@]} -gt 0 ]] || return
  if [[ \${answer[-1]} == :0 ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "\${words[-1]}")
    return
  fi
  unset 'answer[-1]'
  COMPREPLY=("\${answer[@]%%$'\\t'*}")
  # bash takes = for a break between words, and wants only what follows it.
  [[ $COMP_WORDBREAKS == *=* ]] && COMPREPLY=("\${COMPREPLY[@]#--*=}")
}
complete -F _slipway slipway
`;

const zsh = `#compdef slipway
# zsh completion for slipway
_slipway() {
  local -a answer described
  local line
  answer=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${answer[-1]}" == ":0" ]]; then
    _files
    return
  fi
  for line in "\${(@)answer[1,-2]}"; do
    described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe slipway described
}
if [[ "\${funcstack[1]}" == "_slipway" ]]; then
  _slipway "$@"
else
  compdef _slipway slipway
fi
`;

const fish = `# fish completion for slipway
function __slipway_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l answer ($program complete -- $words "$current" 2>/dev/null)
    test (count $answer) -gt 0; or return
    if test "$answer[-1]" = ":0"
        __fish_complete_path "$current"
    else
        set -e answer[-1]
        printf '%s\\n' $answer
    end
end
complete -c slipway -f -a '(__slipway_complete)'
`;

/** What `slipway completion SHELL` prints. */
export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish };
