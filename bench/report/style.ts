/** The style of the page: light, dark, narrow and printed. */

export const STYLE = `
:root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#57606a;--rule:#d9dee4;--grid:#e6eaee;--bad:#b42318;--bad-paper:#fdecea;--note-paper:#fff6de;--fine:#116b3c;
--s0:#0b5fae;--s1:#c2570c;--s2:#0a7d5a;--s3:#8b3fa0;--s4:#7a6200;--s5:#b3265e;--s6:#3f4a56}
@media screen and (prefers-color-scheme:dark){:root{--paper:#101418;--card:#181d23;--ink:#e6eaee;--soft:#a0abb6;--rule:#313a44;--grid:#272f38;--bad:#ff9b8f;--bad-paper:#3a1d1b;--note-paper:#332b14;--fine:#6fd3a0;
--s0:#6db3f8;--s1:#ffa45c;--s2:#4fd0a5;--s3:#d5a0e6;--s4:#e2c64d;--s5:#ff93b8;--s6:#c3ccd5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1320px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:28px;margin:0 0 4px;line-height:1.2}
h2{font-size:21px;margin:44px 0 8px;line-height:1.25}
h3{font-size:15.5px;line-height:1.35;margin:2px 0 10px}
p{margin:0 0 10px}
.lead{max-width:78ch;color:var(--soft)}
a{color:var(--s0)}
.warnings{border-left:4px solid var(--bad);background:var(--card);padding:10px 16px;margin:16px 0;border-radius:4px}
.warnings h2{font-size:15.5px;margin:0 0 4px}
.warnings ul{margin:0;padding-left:20px;font-size:14.5px;overflow-wrap:anywhere}
.warnings .bad{color:var(--bad);font-weight:600}
.fine{color:var(--fine);font-weight:600}
.tiles{list-style:none;padding:0;margin:18px 0;display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(min(100%,190px),1fr))}
.tiles li{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px 14px;font-size:13.5px;line-height:1.4;color:var(--soft)}
.tiles b{display:block;font-size:23px;line-height:1.25;color:var(--ink);font-variant-numeric:tabular-nums}
.setting h2{font-size:15.5px;margin:20px 0 4px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:0;font-size:14.5px}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;gap:0 16px;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr))}
.card{margin:0 0 16px;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:14px 16px;min-width:0;display:grid;grid-template-columns:minmax(0,1fr);grid-row:span 4;grid-template-rows:auto auto auto 1fr;grid-template-rows:subgrid}
.card[data-figure=cost]{grid-column:1/-1}
.picture>svg{width:100%;max-width:470px;height:auto;display:block;margin:0 auto}
.about{color:var(--soft);font-size:13px;margin:0}
figcaption{padding-top:10px;display:flex;flex-direction:column;justify-content:space-between;font-size:13px;line-height:1.45;color:var(--soft)}
figcaption p{margin:0 0 8px}
.reading{font-size:13px;color:var(--soft);margin:8px 0;max-width:100ch}
.command{display:block;font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--paper);border:1px solid var(--rule);border-radius:4px;padding:5px 8px;overflow-wrap:anywhere;white-space:pre-wrap;user-select:all;color:var(--ink)}
.command span{display:inline-block}
.legend{list-style:none;padding:0;margin:0 0 4px;display:flex;flex-wrap:wrap;gap:2px 16px;font-size:13px}
.swatch{width:26px;height:10px;margin-right:6px;overflow:visible}
svg text{font-size:12px;fill:var(--soft);font-variant-numeric:tabular-nums}
svg .title{fill:var(--soft)}svg .end{text-anchor:end}svg .middle{text-anchor:middle}
svg .plate{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}svg .value{font-weight:600}
.grid{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1}
.mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}
.s0{--c:var(--s0)}.s1{--c:var(--s1);--d:7 3}.s2{--c:var(--s2);--d:2 3}.s3{--c:var(--s3);--d:9 3 2 3}.s4{--c:var(--s4);--d:4 4}.s5{--c:var(--s5);--d:12 4}.s6{--c:var(--s6);--d:1 2}
.quiet{--c:var(--soft);--w:1;--d:1 3}.thin{--w:1.5}.dotted{--d:2 3}
.line path{fill:none;stroke:var(--c);stroke-width:var(--w,2.2);stroke-dasharray:var(--d,none);stroke-linejoin:round;stroke-linecap:round}
.line circle{fill:var(--c);stroke:var(--card);stroke-width:1}
.bar rect{fill:var(--c)}
.whisker{fill:none;stroke:var(--ink);stroke-width:1.5}
.range path{stroke:var(--c);stroke-width:3;stroke-dasharray:none}
.range circle{fill:var(--c);stroke:var(--c);stroke-width:2}.range .hollow{fill:var(--card)}
.wide{overflow-x:auto;border:1px solid var(--rule);border-radius:8px;background:var(--card)}
table{border-collapse:collapse;font-size:13.5px;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
thead th{color:var(--soft);font-weight:600}tbody th{font-weight:600}
th:first-child,td.text{text-align:left}
.results th:nth-child(2),.results th:nth-child(3){text-align:left}
.results th:first-child{position:sticky;left:0;background:var(--card)}
tbody tr:last-child>*{border-bottom:0}
td.bad{color:var(--bad);font-weight:600}
.again{color:var(--soft);font-weight:400}
.small{font-size:13px}.small th,.small td{padding:4px 7px}.small thead th{white-space:normal;vertical-align:bottom}
.small tbody th{font-weight:400}
nav ul{list-style:none;padding:0;margin:28px 0 0;display:flex;flex-wrap:wrap;gap:6px 14px;font-size:14.5px}
@media (max-width:560px){main{padding:16px 12px 40px}h1{font-size:24px}h2{margin-top:32px}.card{padding:12px 10px}dl{grid-template-columns:1fr}dt{margin-top:6px}.tiles{grid-template-columns:1fr 1fr}.tiles b{font-size:19px}svg text{font-size:13px}}
@media print{body{background:#fff;font-size:12px}main{max-width:none;padding:0}.card,.tiles li,tr{break-inside:avoid}h2{break-after:avoid}.cards{grid-template-columns:1fr 1fr}.wide{overflow:visible;border:0}table{font-size:9px}th,td{padding:2px 4px}nav{display:none}}
`;
