import { createHash } from 'node:crypto';
import { type StaticFile, staticFile } from '../file-server.ts';
import { pseudoScript, Sequence } from './script.ts';

/** When the Console of the stand-in was built: the Last-Modified of its SPA answers. */
export const BUILT = new Date('2026-11-01T00:00:00Z');
/** The languages that the Console has texts for. */
const LANGUAGES = ['de', 'en', 'es', 'fr', 'it', 'ja', 'pl', 'pt', 'zh'];
const MAIN_BYTES = 1_600_000;
const LAZY_CHUNKS = 30;

let made: ReadonlyMap<string, StaticFile> | undefined;

/**
 * The files of a Console of the shape that `ng build` with `outputHashing: all` gives: hashed main, runtime, polyfills,
 * styles and lazy chunks, unhashed texts and icons. Made once per process, and the same in every run.
 */
export function consoleFiles(): ReadonlyMap<string, StaticFile> {
  made ??= makeFiles();
  return made;
}

function makeFiles(): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  const add = (name: string, body: string | Uint8Array) => void files.set(name, staticFile(name, body));
  const addHashed = (name: string, extension: string, body: string) => {
    const hashed = `${name}.${createHash('sha256').update(body).digest('hex').slice(0, 16)}.${extension}`;
    add(hashed, body);
    return hashed;
  };

  const chunks: Record<string, string> = {};
  const sizes = new Sequence(7);
  for (let id = 1; id <= LAZY_CHUNKS; id += 1) {
    const body = chunk(id, 20_000 + sizes.below(140_000));
    chunks[id] = addHashed(String(100 + id), 'js', body);
  }
  const runtime = addHashed('runtime', 'js', runtimeScript(chunks));
  const polyfills = addHashed('polyfills', 'js', scoped(pseudoScript(2, 90_000)));
  const main = addHashed('main', 'js', mainScript());
  const styles = addHashed('styles', 'css', stylesheet());

  add('index.html', indexPage({ runtime, polyfills, main, styles }));
  for (const language of LANGUAGES) add(`assets/i18n/${language}.json`, texts(language));
  for (const size of [16, 32]) add(`assets/icons/favicon-${size}x${size}.png`, PIXEL);
  add('favicon.ico', PIXEL);
  add('assets/images/zitadel-logo.svg', LOGO);
  const glyphs = new Sequence(13);
  add('assets/fonts/lato.woff2', Buffer.from(Array.from({ length: 60_000 }, () => glyphs.below(256))));
  add('manifest.webmanifest', JSON.stringify({ name: 'ZITADEL Console', start_url: './', icons: [] }));
  return files;
}

function scoped(body: string): string {
  return `"use strict";(()=>{const $=[];${body}})();\n`;
}

function chunk(id: number, bytes: number): string {
  const title = `Section ${id}`;
  return `"use strict";(self.webpackChunkconsole=self.webpackChunkconsole||[]).push([[${id}],()=>{const $=[];${pseudoScript(100 + id, bytes)}return{title:"${title}",parts:$.length}}]);\n`;
}

/** Loads chunks by script elements, as webpack's runtime does. */
function runtimeScript(chunks: Record<string, string>): string {
  return `"use strict";(()=>{const names=${JSON.stringify(chunks)},loaded={},waiting={};
const list=self.webpackChunkconsole=self.webpackChunkconsole||[];
list.push=([[id],factory])=>{loaded[id]=factory();waiting[id]&&waiting[id](loaded[id])};
self.loadChunk=(id)=>id in loaded?Promise.resolve(loaded[id]):new Promise((resolve,reject)=>{
waiting[id]=resolve;const script=document.createElement("script");script.src=names[id];
script.onerror=()=>reject(new Error("chunk "+id));document.head.append(script)});
self.chunkCount=Object.keys(names).length})();
`;
}

/** Draws the page: texts, environment, an RPC over gRPC-Web to the API of the environment, and the first chunks. */
function mainScript(): string {
  const boot = `(async()=>{const root=document.querySelector("cnsl-root");
const json=async(name)=>{const answer=await fetch(name);if(!answer.ok)throw new Error(name+" "+answer.status);return answer.json()};
const row=(name,value)=>{const line=document.createElement("p");line.id=name;line.textContent=name+": "+value;root.append(line)};
const i18n=await json("assets/i18n/en.json"),env=await json("assets/environment.json");
root.textContent="";const title=document.createElement("h1");title.textContent=i18n.TITLE;root.append(title);
row("api",env.api);row("issuer",env.issuer);
try{const answer=await fetch(env.api+"/zitadel.admin.v1.AdminService/Healthz",{method:"POST",
headers:{"content-type":"application/grpc-web+proto","x-grpc-web":"1","x-user-agent":"grpc-web-javascript/0.1"},body:new Uint8Array(5)});
const text=new TextDecoder("latin1").decode(await answer.arrayBuffer());
row("healthz",answer.status+" "+(/grpc-status:\\s*(\\d+)/i.exec(text)||[])[0])}catch(error){row("healthz",error)}
const parts=await Promise.all([1,2,3,4].map((id)=>self.loadChunk(id)));
row("sections",parts.map((part)=>part.title).join(", "));document.documentElement.dataset.ready="yes"})();`;
  return scoped(`${pseudoScript(3, MAIN_BYTES)}self.consoleParts=$.length;${boot}`);
}

function stylesheet(): string {
  const sequence = new Sequence(11);
  const rules = [
    'body{margin:0;font-family:Lato,sans-serif;background:#212224;color:#fff}',
    'cnsl-root{display:block;padding:2rem}',
  ];
  for (let i = 0; i < 4500; i += 1) {
    const name = `.mat-${sequence.below(900).toString(36)}-${sequence.pick(['button', 'card', 'table', 'menu', 'chip'])}`;
    rules.push(
      `${name}{padding:${sequence.below(40)}px;color:#${(sequence.below(4096) + 4096).toString(16).slice(1)}}`,
    );
  }
  return rules.join('');
}

function texts(language: string): string {
  const sequence = new Sequence(language.charCodeAt(0) * 257 + language.charCodeAt(1));
  const words = Array.from({ length: 400 }, () => sequence.below(1 << 28).toString(36));
  const texts: Record<string, string> = { TITLE: 'ZITADEL Console stand-in', LANGUAGE: language };
  for (let i = 0; i < 1500; i += 1) {
    texts[`TEXT.${i}`] = Array.from({ length: 6 }, () => sequence.pick(words)).join(' ');
  }
  return JSON.stringify(texts);
}

function indexPage(files: { runtime: string; polyfills: string; main: string; styles: string }): string {
  return `<!DOCTYPE html>
<html lang="en"><head>
<meta charset="utf-8"><title>ZITADEL • Console</title><base href="/ui/console/">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/x-icon" href="favicon.ico">
<link rel="manifest" href="manifest.webmanifest">
<link rel="stylesheet" href="${files.styles}">
</head><body>
<cnsl-root>ZITADEL Console stand-in is loading …</cnsl-root>
<noscript>Please enable JavaScript to continue using this application.</noscript>
<script src="${files.runtime}" type="module"></script><script src="${files.polyfills}" type="module"></script><script src="${files.main}" type="module"></script>
</body></html>
`;
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><path d="M8 56 32 8l24 48z" fill="#5469d4"/></svg>';

/** The smallest picture that is one. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
