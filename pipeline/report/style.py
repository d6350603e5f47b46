"""The style sheet of the page: light and dark, on screens of any width, and on paper."""

from __future__ import annotations

from pipeline.report.palette import DARK, FONT, LIGHT, colour_rules, form_rules

_VERDICTS = ("pass", "fail", "none", "unsure")


def style_sheet() -> str:
    """Give all of it."""
    return "".join(
        [
            _theme(LIGHT.ground, LIGHT.text, LIGHT.muted, LIGHT.grid, "#f6f8fa", _LIGHT_BADGES),
            _RULES,
            form_rules(),
            colour_rules(LIGHT),
            "@media (prefers-color-scheme:dark){@media screen{",
            _theme(DARK.ground, DARK.text, DARK.muted, DARK.grid, "#1a2029", _DARK_BADGES),
            colour_rules(DARK),
            "}}",
            _PRINT,
        ]
    )


_LIGHT_BADGES = (("#dff3e4", "#0b5a22"), ("#fde3e1", "#8f1310"), ("#e8eaed", "#3d444d"), ("#fff1cf", "#6b4700"))
_DARK_BADGES = (("#12351d", "#8fe3a5"), ("#4a1513", "#ffb3ad"), ("#2b323b", "#c9d1d9"), ("#3f2f06", "#ffd676"))


def _theme(ground: str, text: str, muted: str, line: str, panel: str, badges: tuple[tuple[str, str], ...]) -> str:
    verdicts = "".join(
        f"--{name}:{colours[0]};--{name}-text:{colours[1]};" for name, colours in zip(_VERDICTS, badges, strict=True)
    )
    return (
        f":root{{color-scheme:light dark;--ground:{ground};--text:{text};--muted:{muted};--line:{line};"
        f"--panel:{panel};{verdicts}}}"
    )


_RULES = f"""
*{{box-sizing:border-box}}
body{{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 {FONT}}}
header,main,footer{{max-width:1120px;margin:0 auto;padding:0 20px}}
h1{{font-size:1.6rem;margin:28px 0 4px;overflow-wrap:anywhere}}
h2{{font-size:1.2rem;margin:36px 0 8px;padding-top:10px;border-top:1px solid var(--line)}}
h3{{font-size:1rem;margin:20px 0 6px}}
p{{margin:6px 0;max-width:85ch}}
a{{color:inherit}}
.m{{color:var(--muted)}}
nav ul{{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;padding:0;margin:10px 0}}
.skip{{position:absolute;left:-999px}}.skip:focus{{left:8px;top:8px;background:var(--panel);padding:6px 10px}}
:focus-visible{{outline:3px solid #3f7fd0;outline-offset:2px}}
.scroll{{overflow-x:auto;margin:8px 0}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.86rem}}
th,td{{padding:4px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}}
th:first-child,td.t,th.t{{text-align:left}}
tbody th{{font-weight:500}}
thead th{{color:var(--muted);font-weight:600;vertical-align:bottom}}
tbody tr:hover{{background:var(--panel)}}
.d{{background:var(--unsure);color:var(--unsure-text)}}
.w td,.w th{{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:7em}}
.v th[scope=row]{{min-width:13em}}
.v td.y{{white-space:normal;min-width:32em}}
.b{{display:inline-block;padding:1px 9px;border-radius:10px;font-weight:600;white-space:nowrap}}
{"".join(f".b-{name}{{background:var(--{name});color:var(--{name}-text)}}" for name in _VERDICTS)}
.counts{{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0;padding:0;list-style:none}}
.counts .b{{font-size:1rem;padding:4px 14px;border-radius:14px}}
.charts{{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:18px 24px}}
figure{{margin:0;min-width:0;break-inside:avoid}}
figcaption{{font-size:.86rem;color:var(--muted)}}
figure svg{{display:block;width:100%;height:auto}}
details{{margin:2px 0 0}}
summary{{cursor:pointer;color:var(--muted);font-size:.86rem;padding:3px 0}}
details .scroll{{max-height:340px;overflow:auto}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:8px 0}}
dt{{color:var(--muted)}}dd{{margin:0;overflow-wrap:anywhere}}
.key{{display:flex;flex-wrap:wrap;gap:4px 18px;align-items:center;font-size:.86rem;color:var(--muted)}}
.key svg{{height:14px;width:auto;vertical-align:-2px;margin-right:4px}}
footer{{padding-bottom:40px}}
@media (max-width:600px){{header,main,footer{{padding:0 12px}}dl{{grid-template-columns:1fr}}dt{{margin-top:6px}}}}
"""
_PRINT = """
@media print{@page{size:A4;margin:14mm 12mm}
body{font-size:10pt}header,main,footer{max-width:none;padding:0}nav,.skip,details{display:none}
h2{break-after:avoid}.charts{grid-template-columns:1fr 1fr;gap:10px 14px}
.scroll{overflow:visible;max-height:none}table{font-size:7.5pt}th,td{padding:2px 5px;white-space:normal}
tr{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""
