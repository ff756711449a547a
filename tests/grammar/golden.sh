#!/bin/sh
# Compares what the parser prints with the files kept beside the sources, as TAP.
#
#   golden.sh PARSE_FILE FOLDER
#
# NAME.pkt is parsed once for each of NAME.text, NAME.json, NAME.color and NAME.ast that exists
# (--ast prints the tree before the diagnostics; NAME.expr does so for one expression) and the output
# must be equal. In FOLDER/bad every input has an error, elsewhere none. With PKTC_BLESS=1 the files
# are written instead, NAME.text for an input that has none of them.
program=$1
folder=$2
count=0
failed=0

one() {
    source=$1 form=$2 wanted=${1%.pkt}.$2
    case $form in
        text) options= ;;
        expr) options='--expr --ast' ;;
        *) options=--$form ;;
    esac
    # shellcheck disable=SC2086
    got=$("$program" $options --name "$(basename "$source")" "$source"; echo "status $?")
    count=$((count + 1))
    if [ -n "$PKTC_BLESS" ]; then
        printf '%s\n' "$got" > "$wanted"
    fi
    case $folder in
        */bad) status='status 1' ;;
        *) status='status 0' ;;
    esac
    if printf '%s\n' "$got" | diff -u "$wanted" - && [ "${got##*
}" = "$status" ]; then
        echo "ok $count $(basename "$wanted")"
    else
        echo "not ok $count $(basename "$wanted") (ends in ${got##*
}, must be $status)"
        failed=1
    fi
}

for source in "$folder"/*.pkt; do
    found=
    for form in text json color ast expr; do
        if [ -e "${source%.pkt}.$form" ]; then
            one "$source" $form
            found=yes
        fi
    done
    if [ -z "$found" ] && [ -n "$PKTC_BLESS" ]; then
        one "$source" text
    elif [ -z "$found" ]; then
        count=$((count + 1))
        failed=1
        echo "not ok $count $(basename "$source") has nothing to compare with"
    fi
done
echo "1..$count"
exit $failed
