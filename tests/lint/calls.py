"""No function of a room's library calls itself, directly or through others: the depth of the C stack
must not depend on input. Read from the disassembly of the built libraries, so that macros, inlined
functions and generated code are seen as they are. Calls through pointers are not followed.
"""
import re
import subprocess

from symbols import PROGRAMS, libraries

# Cycles that are allowed after all, each by one of its functions: name -> why its depth is bounded.
# The compiler follows the syntax tree, which the parser keeps shallow: at most PK_NESTING_LIMIT
# brackets and blocks, PK_AST_DEPTH_LIMIT nodes; PK_DEPTH_LIMIT bounds what defs and lets expand to,
# and long chains of operators are walked in loops.
SYNTAX = "depth of the syntax tree, bounded by the parser (PK_AST_DEPTH_LIMIT) and PK_DEPTH_LIMIT"
BOUNDED = {name: SYNTAX for name in (
    "expand", "sides", "pk_field_of_expr", "pk_lower", "declare_layer", "gather_derived",
    "gather_items", "lower_derived", "lower_items", "pk_is_packet", "choices", "plan", "gather",
    "pk_plan_struct", "holds", "pk_lower_over_group")}
BOUNDED |= dict.fromkeys(("look", "written"),
                         "nodes of the syntax tree that one look at a path may take (LOOKS)")

TITLE = re.compile(r"^(\S+\.o):\s+file format")
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
# A branch to the very start of a function; one into its middle is shown as <name+0x...>.
BRANCH = re.compile(r"^\s+[0-9a-f]+:\s+(callq?|jmpq?|bl|b)\s+[0-9a-fx]+ <([^>+]+)>$")
# A plain jump of a function to its own start is a loop.
CALLS = {"call", "callq", "bl"}
RELOCATION = re.compile(r"^\s+[0-9a-f]+: R_\w+(?:PLT32|PC32|CALL26|JUMP26)\s+([\w.]+)(?:[-+]0x\w+)?$")


def plain(name):
    """A function's own name: the compiler's clones and cold halves count as the function."""
    return re.split(r"\.(?:part|isra|constprop|cold|lto_priv)\b", name)[0]


def read_archive(archive, graph):
    """Adds the calls of an archive to `graph`: (object, function) -> names called."""
    done = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", str(archive)], text=True,
                          capture_output=True, check=True)
    where, own, caller, held = "", "", None, None
    for line in done.stdout.splitlines():
        # A branch that the linker will fill in shows whatever stands behind it as its target.
        if held and not RELOCATION.match(line):
            caller.add(held)
        held = None
        title = TITLE.match(line)
        if title:
            where, caller = f"{archive.name}({title.group(1)})", None
            continue
        begun = FUNCTION.match(line)
        if begun:
            own = plain(begun.group(1))
            caller = graph.setdefault((where, own), set())
            continue
        if caller is None:
            continue
        relocated, branch = RELOCATION.match(line), BRANCH.match(line)
        if relocated:
            caller.add(plain(relocated.group(1)))
        elif branch and (branch.group(1) in CALLS or plain(branch.group(2)) != own):
            held = plain(branch.group(2))


def link(graph):
    """The graph with each called name turned into the node that it means."""
    exported = {name: (where, name) for where, name in graph}
    linked = {}
    for (where, name), called in graph.items():
        targets = [(where, other) if (where, other) in graph else exported.get(other)
                   for other in called]
        linked[(where, name)] = {target for target in targets if target}
    return linked


def cycles(graph):
    """The strongly connected sets of more than one node, and the nodes that call themselves."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []
    for start in sorted(graph):
        work = [(start, iter(sorted(graph[start])))] if start not in index else []
        if work:
            index[start] = low[start] = len(index)
            stack.append(start)
            on_stack.add(start)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while not members or members[-1] != node:
                        members.append(stack.pop())
                        on_stack.discard(members[-1])
                    if len(members) > 1 or node in graph[node]:
                        found.append(sorted(members))
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                on_stack.add(following)
                work.append((following, iter(sorted(graph[following]))))
            elif following in on_stack:
                low[node] = min(low[node], index[following])
    return found


def check(root, build=None):
    """Yields each cycle of calls once."""
    del root
    if build is None:
        return
    graph = {}
    for room, archives in libraries(build).items():
        if room not in PROGRAMS:
            for archive in archives:
                read_archive(archive, graph)
    for members in cycles(link(graph)):
        if not any(name in BOUNDED for _, name in members):
            names = ", ".join(name for _, name in members)
            yield f"{members[0][0]}: {names}: calls itself"
