# Use with "source bin/activate.csh" from csh or tcsh: puts this environment's programs first on PATH. "deactivate"
# undoes it.

alias deactivate 'if ( $?_OLD_VIRTUAL_PATH ) setenv PATH "$_OLD_VIRTUAL_PATH"; unset _OLD_VIRTUAL_PATH; rehash; if ( $?_OLD_VIRTUAL_PROMPT ) set prompt="$_OLD_VIRTUAL_PROMPT"; unset _OLD_VIRTUAL_PROMPT; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; if ( "\!:*" != "nondestructive" ) unalias deactivate'

# Leaves an environment that may still be active.
deactivate nondestructive

setenv VIRTUAL_ENV {{ prefix | csh }}
setenv VIRTUAL_ENV_PROMPT {{ prompt | csh }}

set _OLD_VIRTUAL_PATH="$PATH"
setenv PATH "${VIRTUAL_ENV}/bin:$PATH"

if ( ! $?VIRTUAL_ENV_DISABLE_PROMPT ) then
    if ( $?prompt ) then
        set _OLD_VIRTUAL_PROMPT="$prompt"
        set prompt = "($VIRTUAL_ENV_PROMPT) $prompt"
    endif
endif

rehash
