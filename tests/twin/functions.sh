# Sourced by bash before each command of a script. WAIT is how long anything is waited for.

# sees PATTERN ARGUMENT…: await a line of `kubectl get ARGUMENT… --watch` in which the pattern is found; COUNT=2 sees …: two of them.
sees() {
    coproc timeout "$WAIT" kubectl get "${@:2}" --watch 2>&1
    local seen=$COPROC_PID
    [ "$(grep -Ecm "${COUNT-1}" -- "$1" <&"${COPROC[0]}")" = "${COUNT-1}" ] || return 124
    kill "$seen" && wait "$seen" 2>/dev/null
    return 0
}

_about() {
    local selector=involvedObject.kind=${1%%/*}
    [[ $1 != */* ]] || selector+=,involvedObject.name=${1#*/}
    echo "events --field-selector=$selector -o custom-columns=TYPE:.type,REASON:.reason,OBJECT:.involvedObject.fieldPath,MESSAGE:.message"
}

# awaits KIND[/NAME] PATTERN [COUNT]: await an event about the object, or several.
awaits() {
    COUNT=${3-1} sees "$2" $(_about "$1")
}

# events KIND[/NAME]: what happened to it.
events() {
    kubectl get $(_about "$1")
}

# gone ARGUMENT…: await that `kubectl get ARGUMENT…` finds nothing.
gone() {
    local said
    said=$(kubectl wait --for=delete --timeout="$WAIT" "$@" 2>&1) || [[ $said != *"timed out"* ]] || return 124
}
