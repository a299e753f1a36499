// SPDX-License-Identifier: GPL-2.0-only
/// A DMA mapping implementation must not reach for the page, the kernel address
/// or the cache lines of memory that has none: an entry of a scatterlist made by
/// sg_set_pfn(), or a physical address mapped with DMA_ATTR_MMIO. Find where it
/// can, without a test before.
///
//# Where the search starts: the functions that a struct dma_map_ops names for
//# mapping, unmapping, syncing and revoking, and those of dma-direct and
//# dma-iommu. It goes on in what they call, or pass as an argument, as far as it
//# is defined in the files of the command line: pass headers and second files of
//# an implementation along with the first, in one run.
//#
//# What is a test: sg_has_page(), dma_sg_is_mmio(), dma_phys_has_page(),
//# pfn_valid(), a function that returns one of them, and a variable that was set
//# to one, or in a branch of one. DMA_ATTR_MMIO is one where the attributes are
//# those of the memory. In map_sg and unmap_sg they are those of the whole list
//# and say nothing about an entry, until dma_sg_attrs() has added what does. So a
//# map_sg that passes its own attributes on to map_phys is reported for what
//# map_phys does.
//#
//# A test counts where the use depends on it: in the branch for memory with a
//# page, or after memory without one has left the loop or the function. And there
//# must be one on each path to the use. A use in the branch for memory without a
//# page is reported whatever else is tested. What is not looked at is whether a
//# test is for the same entry as the use.
//#
//# No match is no proof. No match without an exit status of 0 is nothing at all.
//
// Options: --no-includes

virtual report

@initialize:python@
@@
import os
import re
import sys
from collections import defaultdict

PAGE = ("sg_page", "sg_virt", "phys_to_virt", "phys_to_page", "__va")
CACHE = ("arch_sync_dma_for_device", "arch_sync_dma_for_cpu")
BOUNCE = ("swiotlb_map", "swiotlb_tbl_map_single")
USES = {n: "the page" for n in PAGE}
USES.update({n: "the cache lines" for n in CACHE})
USES.update({n: "the kernel address" for n in BOUNCE})

FIELDS = re.compile(r"^(map|unmap|sync|revoke)_(sg|phys|single)")
ROOTS = re.compile(r"^(dma_direct|iommu_dma)_(map|unmap|sync)_(sg|phys|single)|"
		   r"^dma_iova_(link|unlink|destroy)$")
TESTS = {"sg_has_page", "dma_sg_is_mmio", "dma_phys_has_page", "pfn_valid"}

# Whose attributes a function gets: those of the memory, or of a list. Syncs get none.
MEMORY, LIST = "memory", "list"

roots = []			# (file, function, what names it, mode)
defs = defaultdict(set)		# function -> files
static = set()			# (file, function)
tests = defaultdict(list)	# (file, function) -> tests that it returns
sites = {}			# (file, function, position) -> [name, arguments]
paths = {MEMORY: set(), LIST: set()}	# sites that a path without a test leads to
ifs = defaultdict(list)		# (file, function) -> (condition, then, else)
leaves = defaultdict(list)	# (file, function) -> (condition, if, label)
labels = {}			# (file, function, label) -> position
parts = defaultdict(list)	# (file, function) -> (condition, operator, operand)
sets = defaultdict(list)	# (file, function) -> (variable, value, position)

# Macros are not looked into: one that has a use in it is a use. Those of the file,
# and of the headers beside it that it includes.
scanned = set()

def scan_macros(file):
	if file in scanned or not os.path.exists(file):
		return
	scanned.add(file)
	with open(file, errors="replace") as f:
		text = f.read().replace("\\\n", " ")
	for name in re.findall(r'^#\s*include\s+"(.*)"', text, re.M):
		scan_macros(os.path.join(os.path.dirname(file), name))
	for name, body in re.findall(r"^#\s*define\s+(\w+)\([\w\s,.]*\)(.*)",
				     text, re.M):
		for use in words(body) & set(USES):
			USES.setdefault(name, USES[use])

def where(p):
	return (p[0].file, p[0].current_element)

def span(p):
	return (int(p.line), int(p.column), int(p.line_end), int(p.column_end))

def inside(at, s):
	return s is not None and s[:2] <= at < s[2:]

def words(text):
	return set(re.findall(r"\w+", text))

def is_test(name):
	return (name == "dma_sg_attrs" or name in TESTS or
		any(name == key[1] and says(value, key, MEMORY)
		    for key, values in tests.items() for value in values))

def is_def(name):
	return name in defs

def is_followed(name):
	return name in USES or name in defs

def mode_of(field):
	return LIST if "_sg" in field else MEMORY

# Whether attributes of the memory itself are in @text, in a function that has
# those of a list
def has_own_attrs(text, key):
	return "dma_sg_attrs" in text or any(
		v in words(text) and "dma_sg_attrs" in value
		for v, value, at in sets[key])

# What a condition says about memory without a page, as a set:
#   page     true: it has a page		other    false: it has one
#   none     true: it has no page		another  false: it has none
NOTHING, ANY = frozenset(), frozenset(("page", "other"))
NOT = {"page": "other", "other": "page", "none": "another", "another": "none"}

def negated(says):
	return frozenset(NOT[w] for w in says)

def both(a, b):		# a && b
	return (a | b) & {"page", "none"} | a & b & {"other", "another"}

# Splits @text at a binary operator outside of parentheses
def split(text, op):
	depth, start, out = 0, 0, []
	for i in range(len(text)):
		depth += (text[i] == "(") - (text[i] == ")")
		if not depth and text.startswith(op, i):
			out.append(text[start:i])
			start = i + len(op)
	return out + [text[start:]]

# The arguments of @name, if @text is nothing but a call of it
def argument_of(name, text):
	m = re.match(r"(%s)\((.*)\)$" % name, text)
	if m and all(x.count("(") >= x.count(")") for x in
		     (m[2][:i] for i in range(len(m[2]) + 1))):
		return m[2]

def is_not_coherent(text):
	return bool(re.match(r"^!\(?dev_(is_)?dma_coherent\(\w+\)\)?$", text))

def says(text, key, mode, cache=False, depth=0):
	text = re.sub(r"\s", "", text)
	inner = argument_of("|likely|unlikely|__builtin_expect", text)
	if inner is not None:
		return says(inner, key, mode, cache, depth)
	terms = split(text, "||")
	if len(terms) > 1:
		return negated(says("&&".join("!(%s)" % t for t in terms), key,
				    mode, cache, depth))
	terms = split(text, "&&")
	if len(terms) > 1:
		# With a coherent cache there is nothing to maintain
		if cache:
			terms = [t for t in terms if not is_not_coherent(t)]
		results = [says(t, key, mode, cache, depth) for t in terms]
		while len(results) > 1:
			results[:2] = [both(*results[:2])]
		return results[0] if results else NOTHING
	if text.startswith("!"):
		return negated(says(text[1:], key, mode, cache, depth))

	if argument_of("dma_sg_is_mmio", text) is not None:
		return frozenset(("none", "other"))
	if argument_of("sg_has_page|dma_phys_has_page|pfn_valid", text) is not None:
		return frozenset(("page", "another"))
	if "DMA_ATTR_MMIO" in text and mode == LIST and not has_own_attrs(text, key):
		return NOTHING
	if re.match(r".*&\(?DMA_ATTR_MMIO\)?$", text):
		return frozenset(("none", "other"))
	if re.match(r".*&\([\w|]*\bDMA_ATTR_MMIO\b[\w|]*\)$", text):
		return frozenset(("other",))
	if words(text) & (TESTS | {"DMA_ATTR_MMIO"}):
		return ANY

	# A function that returns a test, or a variable that was set to one
	m = re.match(r"(\w+)(\(.*\))?$", text)
	if not m or depth > 2:
		return NOTHING
	if m[2]:
		values = [(v, (k, mode)) for k in resolve(key[0], m[1])
			  for v in tests.get(k, ())]
	else:
		values = [(value, (key, mode)) for v, value, at in sets[key]
			  if v == m[1]]
		if any(says(cond, key, mode, cache, 3) & ANY
		       for v, value, at in sets[key]
		       for cond, then, other in ifs[key]
		       if v == m[1] and (inside(at, then) or inside(at, other))):
			return ANY
	results = {says(v, k, how, cache, depth + 1) for v, (k, how) in values}
	if len(results) == 1:
		return results.pop()
	return ANY if any(results) else NOTHING

# Whether the memory at a site may have no page
def is_open(site, mode, cache):
	file, fn, at = site
	key = (file, fn)
	tested = False
	for cond, op, part in parts[key]:
		if inside(at, part):
			if ("page" if op == "&&" else "other") in says(cond, key, mode, cache):
				return False
	for cond, then, other in ifs[key]:
		for branch, yes, no in ((then, "page", "none"),
					(other, "other", "another")):
			if inside(at, branch):
				result = says(cond, key, mode, cache)
				if yes in result:
					tested = True
				elif no in result:
					return True
	for cond, whole, label in leaves[key]:
		to = labels.get(key + (label,), (sys.maxsize,))
		# What is left in a branch is still there behind the branch
		if any(inside(whole[:2], b) and not inside(at, b)
		       for c, then, other in ifs[key] for b in (then, other)):
			continue
		if whole[:2] < at < to and "other" in says(cond, key, mode, cache):
			tested = True
	return site in paths[mode] or not tested

# What the attributes are that a call passes on
def mode_of_call(args, key, mode):
	if mode == LIST and args and has_own_attrs(args, key):
		return MEMORY
	return mode

def resolve(file, name):
	if file in defs[name]:
		return [(file, name)]
	return [(f, name) for f in defs[name]
		if f.endswith(".h") or (f, name) not in static]

@ops@
identifier o, fld, f;
position p;
@@
struct dma_map_ops o = { .fld = f@p, };

@script:python@
o << ops.o; fld << ops.fld; f << ops.f; p << ops.p;
@@
if FIELDS.match(fld):
	roots.append((p[0].file, f, "%s.%s" % (o, fld), mode_of(fld)))

@def@
identifier f;
position p;
@@
f@p(...) { ... }

@script:python@
f << def.f; p << def.p;
@@
scan_macros(p[0].file)
defs[f].add(p[0].file)
if ROOTS.match(f):
	roots.append((p[0].file, f, f, mode_of(f)))

@sdef@
identifier f;
position p;
type T;
@@
static T f@p(...) { ... }

@script:python@
f << sdef.f; p << sdef.p;
@@
static.add((p[0].file, f))

@ret@
identifier f;
position p;
expression E;
@@
f@p(...) { ... return E; }

@script:python@
f << ret.f; p << ret.p; E << ret.E;
@@
tests[(p[0].file, f)].append(E)

@set@
identifier v;
position p;
expression E;
@@
v@p = E

@script:python@
v << set.v; p << set.p; E << set.E;
@@
sets[where(p)].append((v, E, span(p[0])[:2]))

@init@
identifier v;
position p;
expression E;
type T;
@@
T v@p = E;

@script:python@
v << init.v; p << init.p; E << init.E;
@@
sets[where(p)].append((v, E, span(p[0])[:2]))

@label@
identifier l;
position p;
@@
l@p:

@script:python@
l << label.l; p << label.p;
@@
labels[where(p) + (l,)] = span(p[0])[:2]

@then@
expression E;
statement S1;
position p;
@@
if (E) S1@p

@script:python@
E << then.E; p << then.p;
@@
ifs[where(p)].append((E, span(p[0]), None))

@branches@
expression E;
statement S1, S2;
position p, q;
@@
if (E) S1@p else S2@q

@script:python@
E << branches.E; p << branches.p; q << branches.q;
@@
ifs[where(p)].append((E, span(p[0]), span(q[0])))

@leave@
expression E;
statement S;
position p;
@@
(
 if@p (E) { ... \(return ...;\|continue;\|break;\) }
|
 if@p (E) { ... \(return ...;\|continue;\|break;\) } else S
)

@script:python@
E << leave.E; p << leave.p;
@@
leaves[where(p)].append((E, span(p[0]), None))

@jump@
expression E;
statement S;
identifier l;
position p;
@@
(
 if@p (E) { ... goto l; }
|
 if@p (E) { ... goto l; } else S
)

@script:python@
E << jump.E; p << jump.p; l << jump.l;
@@
leaves[where(p)].append((E, span(p[0]), l))

@tern@
expression E, E1, E2;
position p, q;
@@
E ? E1@p : E2@q

@script:python@
E << tern.E; p << tern.p; q << tern.q;
@@
parts[where(p)].append((E, "&&", span(p[0])))
parts[where(q)].append((E, "||", span(q[0])))

@conj@
expression E, E1;
position p;
@@
E && E1@p

@script:python@
E << conj.E; p << conj.p;
@@
parts[where(p)].append((E, "&&", span(p[0])))

@disj@
expression E, E1;
position p;
@@
E || E1@p

@script:python@
E << disj.E; p << disj.p;
@@
parts[where(p)].append((E, "||", span(p[0])))

@call@
identifier g;
expression list es;
position p;
@@
g@p(es)

@script:python@
g << call.g; p << call.p; es << call.es;
@@
sites[where(p) + (span(p[0])[:2],)] = [g, es.expr]

@arg@
identifier g;
identifier h : script:python() { is_def(h) };
position p;
@@
g(..., h@p, ...)

@script:python@
h << arg.h; p << arg.p;
@@
sites[where(p) + (span(p[0])[:2],)] = [h, None]

@path exists@
identifier f;
identifier g : script:python() { is_followed(g) };
identifier test : script:python() { is_test(test) };
position p;
@@
f(...)
{
	... when any
	    when != test(...)
	    when != DMA_ATTR_MMIO
	g@p
	... when any
}

@script:python@
p << path.p;
@@
paths[MEMORY].add(where(p) + (span(p[0])[:2],))

@lpath exists@
identifier f;
identifier g : script:python() { is_followed(g) };
identifier test : script:python() { is_test(test) };
position p;
@@
f(...)
{
	... when any
	    when != test(...)
	g@p
	... when any
}

@script:python@
p << lpath.p;
@@
paths[LIST].add(where(p) + (span(p[0])[:2],))

@finalize:python@
@@
calls = defaultdict(list)
for (file, fn, at), (name, args) in sites.items():
	calls[(file, fn)].append((at, name, args))

seen = set()
found = {}
todo = [((file, fn), mode, what, [fn]) for file, fn, what, mode in roots]
while todo:
	key, mode, what, way = todo.pop(0)
	if (key, mode) in seen:
		continue
	seen.add((key, mode))
	file, fn = key
	for at, name, args in calls[key]:
		if name == fn or not is_open((file, fn, at), mode, name in CACHE):
			continue
		if name in USES:
			found.setdefault((file, at, name), (what, way))
			continue
		for callee in resolve(file, name):
			todo.append((callee, mode_of_call(args, key, mode), what,
				     way + [name]))

for (file, at, name), (what, way) in sorted(found.items()):
	print("%s:%d:%d-%d: ERROR: %s() needs %s of memory that may have none, "
	      "in %s of %s" % (file, at[0], at[1], at[1] + len(name), name,
			       USES[name], " > ".join(way), what))
sys.stdout.flush()
