"""Colours, type and spacing of lineage pictures, light and dark, on screen and on paper."""

from __future__ import annotations

from assay.lineage.markup import Markup

_LIGHT = """
--ground: #f6f7f9; --paper: #ffffff; --ink: #18212c; --soft: #5a6675; --hair: #d6dce4;
--line: #9aa6b5; --verified: #18794e; --unsigned: #8f5d00; --unrecorded: #5a6675; --broken: #c4272d;
--verified-tint: #e9f6ef; --unsigned-tint: #fdf3d9; --unrecorded-tint: #eef1f5;
--broken-tint: #fdecec; --broken-paper: #fff6f6; --accent: #2f5fd0;
"""
_DARK = """
--ground: #0e1319; --paper: #171e27; --ink: #e7ecf2; --soft: #9ba8b7; --hair: #2e3946;
--line: #5d6b7b; --verified: #4cc38a; --unsigned: #e5b454; --unrecorded: #9ba8b7; --broken: #ff8078;
--verified-tint: #12291f; --unsigned-tint: #2e2410; --unrecorded-tint: #212a35;
--broken-tint: #3a1a1c; --broken-paper: #24181b; --accent: #86a8ff;
"""

# Paper is white whatever the screen prefers.
_COLOURS = f"""
:root {{ color-scheme: light dark; {_LIGHT} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
"""

_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

GRAPH = Markup(f"""{_COLOURS}
.lineage {{ font-family: {_FONT}; -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
.lineage text {{ fill: var(--ink); font-size: 11.5px; unicode-bidi: isolate; white-space: pre; }}
.ground {{ fill: var(--ground); }}
.frame {{ fill: var(--paper); stroke: var(--hair); }}
.verified .stripe {{ fill: var(--verified); stroke: var(--verified); }}
.unsigned .stripe {{ fill: var(--unsigned); stroke: var(--unsigned); }}
.unrecorded .stripe {{ fill: var(--unrecorded); stroke: var(--unrecorded); }}
.broken .stripe {{ fill: var(--broken); stroke: var(--broken); }}
.card.unsigned .frame {{ stroke: var(--unsigned); }}
.card.unrecorded .frame {{ stroke: var(--unrecorded); stroke-dasharray: 4 3; }}
.card.broken .frame {{ fill: var(--broken-paper); stroke: var(--broken); stroke-width: 2; }}
.card.root .frame {{ stroke: var(--accent); stroke-width: 2; }}
.card.root.broken .frame {{ stroke: var(--broken); }}
.lineage .kind {{ fill: var(--soft); font-size: 10.5px; font-weight: 600; letter-spacing: .05em; }}
.lineage .finding {{ font-size: 10.5px; font-weight: 600; text-anchor: end; }}
.lineage .name {{ font-size: 13px; font-weight: 650; }}
.lineage .of {{ fill: var(--soft); }}
.mark {{ fill: none; stroke: currentColor; stroke-width: 1.9; stroke-linecap: round;
  stroke-linejoin: round; }}
.mark.verified {{ color: var(--verified); }}
.mark.unsigned {{ color: var(--unsigned); }}
.mark.unrecorded {{ color: var(--unrecorded); }}
.mark.broken {{ color: var(--broken); }}
.verified .finding {{ fill: var(--verified); }}
.unsigned .finding, .unsigned .reason {{ fill: var(--unsigned); }}
.unrecorded .finding, .unrecorded .reason {{ fill: var(--unrecorded); }}
.broken .finding, .broken .reason {{ fill: var(--broken); }}
.link .line {{ fill: none; stroke: var(--line); stroke-width: 1.5; }}
.link .head {{ fill: var(--line); }}
.link.unsigned .line {{ stroke: var(--unsigned); stroke-dasharray: 6 4; }}
.link.unsigned .head {{ fill: var(--unsigned); }}
.link.unrecorded .line {{ stroke: var(--unrecorded); stroke-dasharray: 2 4; }}
.link.unrecorded .head {{ fill: var(--unrecorded); }}
.link.broken .line {{ stroke: var(--broken); stroke-width: 2.5; }}
.link.broken .head {{ fill: var(--broken); }}
.lineage .relation {{ fill: var(--soft); font-size: 10.5px; text-anchor: middle; }}
.lineage .relation.unsigned {{ fill: var(--unsigned); font-weight: 600; }}
.lineage .relation.unrecorded {{ fill: var(--unrecorded); font-weight: 600; }}
.lineage .relation.broken {{ fill: var(--broken); font-weight: 700; }}
""")

PAGE = Markup(f"""
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 {_FONT}; }}
main {{ max-width: 1760px; margin: 0 auto; padding: 36px 32px 64px; }}
header {{ margin-bottom: 20px; }}
.eyebrow {{ margin: 0 0 4px; color: var(--soft); font-size: 12px; font-weight: 600;
  letter-spacing: .08em; text-transform: uppercase; }}
h1 {{ margin: 0 0 14px; font-size: 28px; line-height: 1.25; letter-spacing: -.01em;
  overflow-wrap: anywhere; unicode-bidi: isolate; }}
h2 {{ margin: 40px 0 12px; font-size: 18px; }}
.verdict {{ display: inline-flex; align-items: center; gap: 10px; margin: 0; padding: 8px 16px;
  border-radius: 10px; font-size: 16px; font-weight: 600; }}
.verdict .sign {{ width: 18px; height: 18px; }}
.verdict.verified {{ background: var(--verified-tint); color: var(--verified); }}
.verdict.unsigned {{ background: var(--unsigned-tint); color: var(--unsigned); }}
.verdict.unrecorded {{ background: var(--unrecorded-tint); color: var(--unrecorded); }}
.verdict.broken {{ background: var(--broken-tint); color: var(--broken); }}
.about {{ margin: 12px 0 0; color: var(--soft); font-size: 13px; }}
.wrong {{ margin: 16px 0 0; padding: 0; list-style: none; }}
.wrong li {{ margin: 8px 0; padding: 2px 0 2px 14px; border-left: 3px solid var(--broken);
  overflow-wrap: anywhere; }}
.wrong p {{ margin: 0; color: var(--soft); }}
.graph {{ overflow-x: auto; border: 1px solid var(--hair); border-radius: 14px; }}
.graph .lineage {{ display: block; max-width: 100%; height: auto; margin: 0 auto; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 14px 0 0; padding: 0;
  color: var(--soft); font-size: 13px; list-style: none; }}
.badge {{ display: inline-flex; align-items: center; gap: 6px; font-size: 13px; font-weight: 600;
  white-space: nowrap; }}
.badge.verified {{ color: var(--verified); }}
.badge.unsigned {{ color: var(--unsigned); }}
.badge.unrecorded {{ color: var(--unrecorded); }}
.badge.broken {{ color: var(--broken); }}
.words {{ overflow-x: auto; }}
table {{ width: 100%; min-width: 720px; table-layout: fixed; border-collapse: collapse;
  background: var(--paper); font-size: 13.5px; }}
caption {{ padding: 0 0 10px; background: var(--ground); color: var(--soft); text-align: left; }}
th, td {{ padding: 10px 14px; border: 1px solid var(--hair); border-width: 1px 0;
  text-align: left; vertical-align: top; overflow-wrap: anywhere; }}
thead th {{ width: 27%; color: var(--soft); font-size: 12px; }}
thead th:nth-child(2) {{ width: 19%; }}
tbody th {{ font-weight: 600; }}
th, td, dt, dd, li {{ unicode-bidi: isolate; }}
.kind-of {{ color: var(--soft); font-weight: 400; }}
dl {{ display: grid; grid-template-columns: fit-content(45%) 1fr; gap: 1px 12px; margin: 0; }}
dt {{ color: var(--soft); }}
dd {{ margin: 0; }}
td ul {{ margin: 0; padding: 0; list-style: none; }}
td p {{ margin: 3px 0 0; color: var(--soft); }}
@media (max-width: 800px) {{ main {{ padding: 20px 14px 40px; }} }}
@media print {{
  @page {{ margin: 12mm; }}
  body, .lineage .ground {{ background: #ffffff; fill: #ffffff; }}
  main {{ max-width: none; padding: 0; }}
  .graph, .words {{ overflow: visible; border: 0; }}
  .graph .lineage {{ min-width: 0 !important; }}
  .graph .lineage.sheet {{ max-height: 220mm; }}
  .legend {{ gap: 1px 20px; font-size: 8.5pt; break-inside: avoid; break-before: avoid; }}
  .verdict, .badge {{ -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
  table {{ min-width: 0; font-size: 9pt; }}
  caption {{ background: #ffffff; }}
  tr, .wrong li {{ break-inside: avoid; }}
}}
""")
