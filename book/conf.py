# SPDX-License-Identifier: GPL-2.0-only
# pylint: disable=C0103,C0114,W0122
# The kernel's own configuration of Sphinx, from the source that tools/lab/docs
# names in $srctree, for this project's book.

import os
import re

from docutils import nodes

kernel_docs = os.path.join(os.environ["srctree"], "Documentation")

# It looks for its extensions beside itself.
book_conf, __file__ = __file__, os.path.join(kernel_docs, "conf.py")
with open(__file__, encoding="utf-8") as conf:
    exec(compile(conf.read(), __file__, "exec"))
__file__ = book_conf

# One wants to find MAINTAINERS above the pages, the other one offers languages.
extensions.remove("maintainers_include")
extensions.remove("translations")

project = "videobuf2-dma-pfn"
author = "The authors of videobuf2-dma-pfn"
copyright = author                                     # pylint: disable=W0622
html_title = "videobuf2-dma-pfn"
html_theme_options["description"] = "Capture into memory without struct page"
html_logo = None
templates_path = [os.path.join(kernel_docs, path) for path in templates_path]
html_static_path = [os.path.join(kernel_docs, path) for path in html_static_path]
html_favicon = os.path.join(kernel_docs, html_favicon)

# What is not in the book is looked up in the kernel's documentation: a reference
# to a page or a label that it has becomes a link to it. Anything else is a
# mistake that Sphinx warns of.
KERNEL_URL = "https://docs.kernel.org/"
RE_LABEL = re.compile(r"^ *\.\. _([^:`]+):\s*$", flags=re.MULTILINE)
RE_TITLE = re.compile(r"^(\S.*)\n(?:=|-|~|\*|\^|#){3,}\s*$", flags=re.MULTILINE)

kernel_labels = {}


def title_after(text, start, default):
    """The first heading in text from start on"""
    match = RE_TITLE.search(text, start)
    return match[1] if match else default


def find_labels():
    """Where the labels of the kernel's documentation are, and what they name"""
    for directory, _, names in os.walk(kernel_docs):
        if os.path.relpath(directory, kernel_docs).startswith("translations"):
            continue
        for name in names:
            if not name.endswith(".rst"):
                continue
            path = os.path.join(directory, name)
            with open(path, encoding="utf-8") as page:
                text = page.read()
            page = os.path.relpath(path, kernel_docs).removesuffix(".rst")
            for match in RE_LABEL.finditer(text):
                label = match[1].lower()
                uri = f"{page}.html#{nodes.make_id(label)}"
                kernel_labels[label] = (uri, title_after(text, match.end(), label))


def find_page(page):
    """The same for a whole page, or None"""
    try:
        with open(os.path.join(kernel_docs, page + ".rst"), encoding="utf-8") as rst:
            return f"{page}.html", title_after(rst.read(), 0, page)
    except FileNotFoundError:
        return None


def link_to_kernel(app, _env, node, contnode):
    """A reference that the book can't resolve"""
    if node.get("refdomain") != "std" or node["reftype"] not in ("doc", "ref"):
        return None
    target = node["reftarget"]
    if node["reftype"] == "doc":
        start = os.path.dirname(node.get("refdoc", ""))
        found = find_page(os.path.normpath(os.path.join("/", start, target))[1:])
    else:
        if not kernel_labels:
            find_labels()
        found = kernel_labels.get(target)
    if not found:
        return None

    uri, title = found
    if not node.get("refexplicit"):
        contnode = nodes.inline("", title)
    return nodes.reference("", "", contnode, internal=False, refuri=KERNEL_URL + uri)


kernel_setup = setup


def setup(app):                                        # pylint: disable=E0102
    """The kernel's setup(), and ours"""
    kernel_setup(app)
    app.connect("missing-reference", link_to_kernel)
