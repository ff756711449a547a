/* The tables of the command line as a manual page, man(7), and as a shell's completion. */
#include <ctype.h>
#include <string.h>

#include "cli.h"

/* ---- man(7) -----------------------------------------------------------------------------------
 */

static void add_text(pk_buf *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        if (*at == '\\')
            pk_buf_text(out, "\\e");
        else if (*at == '-')
            pk_buf_text(out, "\\-");
        else if (*at == '`')
            pk_buf_text(out, at == text || at[-1] == ' ' ? "\\(oq" : "\\(cq");
        else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n'))
            pk_buf_printf(out, "\\&%c", *at);
        else
            pk_buf_byte(out, (uint8_t)*at);
    }
}

static void add_sentence(pk_buf *out, const char *text)
{
    char first[2] = {(char)toupper((unsigned char)*text), 0};
    add_text(out, first);
    add_text(out, text + 1);
    pk_buf_text(out, ".\n");
}

static void add_verbs(pk_buf *out)
{
    pk_buf_text(out, ".SH VERBS\n");
    for (size_t i = 0; i < PK_VERBS; i++) {
        pk_buf_printf(out, ".TP\n.BR %s \" \\fI", pk_cli_verbs[i].name);
        add_text(out, pk_cli_verbs[i].operands);
        pk_buf_text(out, "\\fR\"\n");
        add_sentence(out, pk_cli_verbs[i].doc);
    }
}

/* "run, send and show"; nothing when all take it. */
static void add_takers(pk_buf *out, size_t option)
{
    size_t n = 0;
    for (size_t v = 0; v < PK_VERBS; v++)
        n += pk_cli_goes_with(option, v);
    if (n == PK_VERBS)
        return;
    pk_buf_text(out, "Of \\fB");
    for (size_t v = 0, done = 0; v < PK_VERBS; v++) {
        if (!pk_cli_goes_with(option, v))
            continue;
        pk_buf_text(out, !done ? "" : done + 1 == n ? "\\fR and \\fB" : "\\fR, \\fB");
        pk_buf_text(out, pk_cli_verbs[v].name);
        done++;
    }
    pk_buf_text(out, "\\fR.\n");
}

static void add_options(pk_buf *out)
{
    pk_buf_text(out, ".SH OPTIONS\nOptions and operands may stand in any order behind the verb; "
                     "\\fB\\-\\-\\fR ends the options.\n");
    for (size_t i = 0; i < PK_OPTIONS; i++) {
        const pk_cli_option *row = &pk_cli_options[i];
        pk_buf_text(out, ".TP\n\\fB");
        if (row->letter)
            pk_buf_printf(out, "\\-%c\\fR, \\fB", row->letter);
        pk_buf_text(out, "\\-\\-");
        add_text(out, row->name);
        pk_buf_text(out, "\\fR");
        if (row->value) {
            pk_buf_text(out, " \\fI");
            add_text(out, row->value);
            pk_buf_text(out, "\\fR");
        }
        pk_buf_byte(out, '\n');
        add_sentence(out, row->doc);
        add_takers(out, i);
    }
    pk_buf_text(out, ".TP\n\\fB\\-\\-\\fINAME VALUE\\fR\n"
                     "A parameter of the description, for the verbs that expand its packets.\n");
}

void pk_cli_manual(pk_buf *out)
{
    pk_buf_text(out, ".TH PKTC 1 \"\" \"pktc " PKTC_VERSION "\" \"User Commands\"\n"
                     ".SH NAME\npktc \\- send packets that a text describes, and read the answers\n"
                     ".SH SYNOPSIS\n.B pktc\n.I VERB\n.RI [ OPTION ]..\n.RI [ FILE ]\n"
                     ".SH DESCRIPTION\n"
                     "pktc compiles descriptions of packets, sends them, matches the answers and "
                     "dissects what comes back.\n.I FILE\nis a description; \\- is standard input, "
                     "and \\fB\\-e\\fR gives the description itself.\nA file whose first line is\n"
                     ".B #!/usr/bin/env \\-S pktc run\nis a program of its own.\n");
    add_verbs(out);
    add_options(out);
    pk_buf_text(out, ".SH \"EXIT STATUS\"\n");
    for (size_t code = 0; code < sizeof pk_cli_exits / sizeof *pk_cli_exits; code++) {
        pk_buf_printf(out, ".TP\n%zu\n", code);
        add_sentence(out, pk_cli_exits[code]);
    }
    pk_buf_text(out, ".SH SIGNALS\nWhile packets are sent the first INT or TERM stops sending, "
                     "waits for what is under way and prints the summary; the second leaves at "
                     "once.\nHUP reads the lists of destinations again, USR1 tells how it goes.\nA "
                     "closed pipe on standard output stops pktc.\n"
                     ".SH ENVIRONMENT\n.TP\n.B NO_COLOR\n"
                     "When set to anything, no color is used unless \\fB\\-\\-color\\fR asks for "
                     "it.\n.TP\n.B TERM\nNo color on a terminal called \\fBdumb\\fR.\n"
                     ".SH EXAMPLES\n.nf\necho \\(aqip(dst=10.1.2.0/28)/icmp()\\(aq | "
                     "pktc run \\-\\-lab \\-\n"
                     "pktc show \\-e \\(aqip(dst=10.0.0.1)/tcp(dport=[22,80])\\(aq\n"
                     "pktc layers tcp.flags\n.fi\n");
}

/* ---- completion -------------------------------------------------------------------------------
 */

/* a|b|c as `a b c`. */
static void add_words(pk_buf *out, const char *choices)
{
    for (const char *at = choices; *at; at++)
        pk_buf_byte(out, *at == '|' ? ' ' : (uint8_t)*at);
}

static void add_option_names(pk_buf *out, size_t verb)
{
    for (size_t i = 0; i < PK_OPTIONS; i++)
        if (pk_cli_goes_with(i, verb))
            pk_buf_printf(out, " --%s", pk_cli_options[i].name);
}

static void add_bash(pk_buf *out)
{
    pk_buf_text(out, "_pktc()\n{\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local verbs='");
    for (size_t v = 0; v < PK_VERBS; v++)
        pk_buf_printf(out, "%s%s", v ? " " : "", pk_cli_verbs[v].name);
    pk_buf_text(out, "' options=\n    COMPREPLY=()\n"
                     "    if [ \"$COMP_CWORD\" -eq 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; then\n"
                     "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$word\"))\n"
                     "        return\n    fi\n    case $before in\n");
    for (size_t i = 0; i < PK_OPTIONS; i++) {
        const char *value = pk_cli_options[i].value;
        if (!value || !strchr(value, '|'))
            continue;
        pk_buf_printf(out, "    --%s)\n        COMPREPLY=($(compgen -W '", pk_cli_options[i].name);
        add_words(out, value);
        pk_buf_text(out, "' -- \"$word\"))\n        return\n        ;;\n");
    }
    pk_buf_text(out, "    esac\n    case ${COMP_WORDS[1]} in\n");
    for (size_t v = 0; v < PK_VERBS; v++) {
        pk_buf_printf(out, "    %s)\n        options='", pk_cli_verbs[v].name);
        add_option_names(out, v);
        pk_buf_text(out, "'\n        ;;\n");
    }
    pk_buf_text(out,
                "    esac\n    case ${COMP_WORDS[1]},$word in\n"
                "    *,-*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
                "    layers,*)\n"
                "        COMPREPLY=($(compgen -W \"$(\"${COMP_WORDS[0]}\" layers 2>/dev/null |\n"
                "            sed 's/[ ,].*//')\" -- \"$word\"))\n        ;;\n"
                "    completion,*) COMPREPLY=($(compgen -W 'bash zsh' -- \"$word\")) ;;\n"
                "    esac\n}\ncomplete -o default -F _pktc pktc\n");
}

int pk_cli_completion(pk_cli *cli)
{
    const char *shell = cli->n_operands ? cli->operands[0] : "";
    bool zsh = strcmp(shell, "zsh") == 0;
    if (!zsh && strcmp(shell, "bash") != 0)
        return pk_cli_fail(cli, PK_EXIT_USAGE,
                           "for which shell? `pktc completion bash` or `pktc completion zsh`");
    if (zsh)
        pk_buf_text(&cli->out, "autoload -U +X bashcompinit && bashcompinit\n");
    add_bash(&cli->out);
    return 0;
}
