"""HTTP requests of many clients, and the technical text that stands beside them: responses, logs, mail, configurations, prose."""

from core import Grammar
from sets.lexicon import ENGLISH


def _hexadecimal(n):
    return lambda rng: "".join(rng.choice("0123456789abcdef") for _ in range(n))


def _base64(n):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return lambda rng: "".join(rng.choice(letters) for _ in range(n))


def _number(low, high):
    return lambda rng: str(rng.between(low, high))


def _two(low, high):
    return lambda rng: "%02d" % rng.between(low, high)


LISTS = dict(ENGLISH)
LISTS.update({
    "host": [
        "example.org", "shop.example.com", "api.example.net", "www.example.org", "news.example.com", "files.example.net", "mail.example.org", "static.example.com",
        "tracker.example.org", "maps.example.net", "search.example.com", "localhost:8080", "10.0.4.17", "192.0.2.80:3000", "intranet.example.org", "auth.example.com",
    ],
    "ip": ["192.0.2.«n255»", "198.51.100.«n255»", "203.0.113.«n255»", "10.0.«n9».«n255»"],
    "n255": _number(1, 254),
    "n9": _number(1, 9),
    "n99": _number(10, 99),
    "n999": _number(100, 999),
    "n9999": _number(1000, 9999),
    "n99999": _number(10000, 99999),
    "dd": _two(1, 28),
    "hh": _two(0, 23),
    "mm": _two(0, 59),
    "mon": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(),
    "dow": "Mon Tue Wed Thu Fri Sat Sun".split(),
    "yyyy": _number(2018, 2025),
    "time": ["«hh»:«mm»:«mm»"],
    "date": ["«dow», «dd» «mon» «yyyy» «time» GMT"],
    "hex8": _hexadecimal(8), "hex16": _hexadecimal(16), "hex32": _hexadecimal(32), "b24": _base64(24), "b40": _base64(40),
    "things": "orders users photos tickets articles invoices songs sensors rooms bookings reviews products devices routes".split(),
    "field": "name title colour city status category owner tag label email".split(),
    "word": "lamp river winter copper blue garden paper violin bicycle harbour coffee stone ladder amber".split(),
    "page": ["/", "/index.html", "/about", "/search?q=«word»", "/«things»", "/«things»/«n9999»", "/blog/«yyyy»/«dd»/«word»-«word»", "/login", "/contact", "/«things»?page=«n9»", "/help/«word»"],
    "asset": ["/static/«word».css", "/img/«word»-«n999».png", "/js/«word».«hex8».js", "/fonts/«word».woff2", "/video/«word».mp4", "/favicon.ico"],
    "agent": [
        "Mozilla/5.0 (X11; Linux x86_64; rv:«n99».0) Gecko/20100101 Firefox/«n99».0", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.«n9» Safari/605.1.15",
        "curl/7.«n99».«n9»", "Wget/1.21.«n9»", "python-client/2.«n99»", "okhttp/4.«n9».0", "Go-http-client/1.1", "PostmanClient/7.«n99».«n9»", "reader-bot/1.«n9» (+http://example.org/bot)",
    ],
    "lang": ["en-GB,en;q=0.8", "fr-FR,fr;q=0.9,en;q=0.5", "de", "ko-KR,ko;q=0.9", "es-ES,es;q=0.7", "ja", "*"],
    "v": ["1.1", "1.1", "1.1", "1.0"],
    "level": "INFO WARN ERROR DEBUG".split(),
    "service": "billing search mailer scheduler gateway inventory thumbnails login".split(),
    "user": "anna bruno carla dmitri elif farid greta hugo ines jonas".split(),
})

REQUESTS = {
    "browser-page": "GET «page» HTTP/«v»\nHost: «host»\nUser-Agent: «agent»\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\nAccept-Language: «lang»\nConnection: «keep-alive|close»",
    "browser-asset": "GET «asset» HTTP/1.1\nHost: «host#1»\nUser-Agent: «agent»\nAccept: «*/*|image/avif,image/webp,*/*|text/css,*/*;q=0.1»\nReferer: https://«host#1»«page»",
    "bare": "GET «page» HTTP/«v»\nHost: «host»\n«Accept: */*|User-Agent: «agent»|Connection: close|Accept-Language: «lang»»",
    "head": "HEAD «asset» HTTP/1.1\nHost: «host»\nUser-Agent: «agent»\nAccept-Encoding: «gzip|gzip, deflate|identity|br»",
    "json-post": "POST /api/«things» HTTP/1.1\nHost: «host»\nContent-Type: application/json\nAuthorization: Bearer «b24»\n\n{\"«field»\": \"«word»\", \"quantity\": «n99»}",
    "form-post": "POST /«login|signup|contact|subscribe» HTTP/1.1\nHost: «host»\nContent-Type: application/x-www-form-urlencoded\nContent-Length: «n99»\n\n«field»=«word»&«field»=«n999»&city=«city»",
    "put": "PUT /api/v«n9»/«things»/«n9999» HTTP/1.1\nHost: «host»\nContent-Type: application/json; charset=utf-8\nIf-Match: \"«hex8»\"\n\n{\"«field»\":\"«word»\",\"«field»\":«n999»}",
    "patch": "PATCH /«things»/«hex8» HTTP/1.1\nHost: «host»\nContent-Type: application/merge-patch+json\nX-Request-Id: «hex16»\n\n{\"status\": \"«open|closed|paid|sent|late»\"}",
    "delete": "DELETE /api/«things»/«n9999» HTTP/1.1\nHost: «host»\nAuthorization: «Bearer «b40»|Basic «b24»»\nUser-Agent: «agent»",
    "preflight": "OPTIONS /api/«things» HTTP/1.1\nHost: «host»\nOrigin: https://«host»\nAccess-Control-Request-Method: «PUT|DELETE|PATCH|POST»\nAccess-Control-Request-Headers: «content-type|authorization|x-request-id»",
    "range": "GET /video/«word».mp4 HTTP/1.1\nHost: «host»\nRange: bytes=«n9999»-«n99999»\nIf-Range: \"«hex16»\"\nUser-Agent: «agent»",
    "conditional": "GET «asset» HTTP/1.1\nHost: «host»\nIf-None-Match: \"«hex16»\"\nIf-Modified-Since: «date»\nCache-Control: «no-cache|max-age=0»",
    "cookie": "GET «page» HTTP/1.1\nHost: «host»\nCookie: session=«hex32»; theme=«light|dark»; lang=«en|fr|de|ko»\nAccept: text/html",
    "multipart": "POST /upload HTTP/1.1\nHost: «host»\nContent-Type: multipart/form-data; boundary=----«hex8#1»\n\n------«hex8#1»\nContent-Disposition: form-data; name=\"file\"; filename=\"«word».png\"",
    "websocket": "GET /«chat|live|socket|feed» HTTP/1.1\nHost: «host»\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: «b24»\nSec-WebSocket-Version: 13",
    "connect": "CONNECT «host#1»:443 HTTP/1.1\nHost: «host#1»:443\nProxy-Connection: keep-alive\nUser-Agent: «agent»",
    "graphql": "POST /graphql HTTP/1.1\nHost: «host»\nContent-Type: application/json\n\n{\"query\": \"{ «things»(limit: «n99») { id «field» «field» } }\"}",
    "token": "POST /oauth/token HTTP/1.1\nHost: «auth.example.com|login.example.org|id.example.net»\nContent-Type: application/x-www-form-urlencoded\n\ngrant_type=«refresh_token|client_credentials|authorization_code»&client_id=«word»-«n999»&code=«b24»",
    "soap": "POST /services/«Orders|Stock|Weather|Rates» HTTP/1.1\nHost: «host»\nContent-Type: text/xml\nSOAPAction: \"Get«Price|Status|Level»\"\n\n<Envelope><Body><id>«n9999»</id></Body></Envelope>",
    "webhook": "POST /hooks/«things» HTTP/1.1\nHost: «host»\nContent-Type: application/json\nX-Signature: sha256=«hex32»\n\n{\"event\":\"«created|deleted|updated»\",\"id\":«n99999»,\"at\":\"«yyyy»-0«n9»-«dd»T«time»Z\"}",
    "api-query": "GET /v«n9»/«things»?«field»=«word»&limit=«n99»&sort=-«field» HTTP/1.1\nHost: api.example.«com|org|net»\nAccept: application/json\nX-Api-Key: «hex32»",
    "lowercase": "GET «page» HTTP/1.1\nhost: «host»\nuser-agent: «agent»\naccept: */*\naccept-encoding: gzip, deflate, br\ntraceparent: 00-«hex32»-«hex16»-01",
    "absolute": "GET http://«host#1»«page» HTTP/1.1\nHost: «host#1»\nVia: 1.1 «word»-proxy\nX-Forwarded-For: «ip»\nUser-Agent: «agent»",
    "webdav": "«PROPFIND|MKCOL|COPY|MOVE|LOCK» /dav/«user»/«word» HTTP/1.1\nHost: «host»\nDepth: «0|1|infinity»\nDestination: /dav/«user»/«word»-«n99»\nAuthorization: Basic «b24»",
    "event-stream": "GET /events?topic=«things» HTTP/1.1\nHost: «host»\nAccept: text/event-stream\nLast-Event-ID: «n99999»\nCache-Control: no-store",
    "metrics": "GET /«metrics|healthz|ready|status» HTTP/1.1\nHost: «ip»:«n9999»\nUser-Agent: «kube-probe/1.2«n9»|monitor/2.«n99»|*agent»\nAccept: «text/plain|*/*|application/json»",
}

OTHERS = {
    "response-html": "HTTP/1.1 «200 OK|404 Not Found|500 Internal Server Error|403 Forbidden»\nDate: «date»\nServer: «nginx|Apache»\nContent-Type: text/html\nContent-Length: «n9999»\n\n<html><body><h1>«word»</h1></body></html>",
    "response-json": "HTTP/1.1 «200 OK|201 Created|422 Unprocessable Content»\nContent-Type: application/json\nETag: \"«hex16»\"\nCache-Control: max-age=«n9999»\n\n{\"id\": «n9999», \"«field»\": \"«word»\"}",
    "response-redirect": "HTTP/1.1 «301 Moved Permanently|302 Found|307 Temporary Redirect»\nLocation: https://«host»«page»\nDate: «date»\nSet-Cookie: session=«hex32»; Path=/; HttpOnly",
    "access-log": "«ip» - «user|-» [«dd#1»/«mon#1»/«yyyy#1»:«hh#1»:«mm»:«mm» +0000] \"GET «page» HTTP/1.1\" «200|304|404|500» «n9999» \"-\" \"«agent»\"\n«ip» - - [«dd#1»/«mon#1»/«yyyy#1»:«hh#1»:«mm»:«mm» +0000] \"POST /«things» HTTP/1.1\" «201|400» «n999»",
    "app-log": "«yyyy#1»-0«n9#1»-«dd#1» «hh#1»:«mm»:«mm»,«n999» «level» [«service#1»] request «hex8» took «n999» ms\n«yyyy#1»-0«n9#1»-«dd#1» «hh#1»:«mm»:«mm»,«n999» «level» [«service#1»] «n99» «things» queued, «n9» retried",
    "syslog": "«mon#1» «dd#2» «time» «word#3» sshd[«n9999»]: Accepted publickey for «user» from «ip» port «n99999»\n«mon#1» «dd#2» «time» «word#3» systemd[1]: Started «service» service.",
    "mail-headers": "From: «user»@example.org\nTo: «user»@example.net\nSubject: «^word» and «word» for «month»\nDate: «date»\nMessage-ID: <«hex16»@example.org>\nContent-Type: text/plain; charset=utf-8",
    "smtp": "220 «host» ESMTP ready\nEHLO «word».example.org\n250-SIZE «n99999»\nMAIL FROM:<«user»@example.org>\n250 OK\nRCPT TO:<«user»@example.net>\n250 Accepted",
    "ftp": "220 «word» FTP server ready\nUSER «user»\n331 Password required\nPASV\n227 Entering Passive Mode (10,0,«n9»,«n99»,«n99»,«n99»)\nRETR «word»-«n999».tar.gz\n226 Transfer complete",
    "sip": "INVITE sip:«user#1»@«host» SIP/2.0\nVia: SIP/2.0/UDP «ip»:5060;branch=z9hG4bK«hex8»\nTo: <sip:«user#1»@example.com>\nCall-ID: «hex16»\nCSeq: «n999» INVITE",
    "rtsp-and-redis": "> SET «service»:«n999» \"«word»\" EX «n999»\nOK\n> GET «service»:«n999»\n\"«word»\"\n> INCRBY visits:«yyyy» «n99»\n(integer) «n9999»\n> KEYS «things»:*\n1) \"«things»:«n99»\"",
    "ini": "[«service»]\nhost = «host»\nport = «n9999»\nuser = «user»\ntimeout = «n99»\n; changed on «dd» «mon» «yyyy»\n[cache]\nsize = «n999»\npath = /var/«word»/«things»",
    "yaml": "«service»:\n  image: registry.example.org/«word»:1.«n99».«n9»\n  ports:\n    - \"«n9999»:80\"\n  environment:\n    ACCEPT: «lang»\n    TOKEN: «hex16»\n  restart: «always|never»",
    "nginx": "server {\n    listen «n9999»;\n    server_name «host»;\n    location /«things» {\n        proxy_pass http://«ip»:«n9999»;\n        proxy_set_header Host $host;\n        expires «n99»d;\n    }\n}",
    "docker": "FROM debian:1«n9»\nRUN apt-get update && apt-get install -y «word»-tools curl\nCOPY «things» /srv/«things»\nENV PORT=«n9999»\nEXPOSE «n9999»\nCMD [\"/srv/«service»\", \"--verbose\"]",
    "trace": "Traceback (most recent call last):\n  File \"/srv/«service#1»/main.py\", line «n999», in handle\n    «things» = load(«word», limit=«n99»)\n  File \"/srv/«service#1»/«word».py\", line «n99», in load\nKeyError: '«field»'",
    "json-document": "{\n  \"«things»\": [\n    {\"id\": «n9999», \"«field»\": \"«word»\", \"host\": \"«host»\"},\n    {\"id\": «n9999», \"«field»\": \"«word»\", \"token\": \"«hex16»\"}\n  ],\n  \"next\": \"«page»\"\n}",
    "changelog": "## 2.«n99».«n9» ({yyyy})\n- POST to /«things» no longer fails when «field» is empty\n- GET requests follow at most «n9» redirects\n- Accept header is honoured for «things» (#«n999»)\n- Fix time-out after «n99» seconds".replace("{yyyy}", "«yyyy»"),
    "http-prose": "GET and HEAD are safe: a client may repeat them as often as it likes. POST is not, which is why the «service» team at «city» adds a key to every order; a second request with the same key within «n99» seconds is answered from the store, and the header says so.",
    "http-lesson": "A request begins with a method, a path and a version; then come headers, one a line, such as Host or Accept. In our course of «newyear» most students forgot the empty line after them, and «n99» of «n999» servers on «host» answered with status 400. The body, if there is one, follows.",
    "ticket": "Host: «word»-«n99» is not reachable since «dd» «month».\nUser «user» reports that «things» load slowly (about «n99» s) and that the page «page» shows an error.\nSteps: open «host», log in, choose \"«word»\". Priority: «low|high|normal».",
    "sql-log": "LOG: duration: «n999».«n99» ms statement: SELECT «field», id FROM «things#1» WHERE «field» = '«word»' LIMIT «n99»\nLOG: duration: «n99».«n9» ms statement: DELETE FROM «things#1» WHERE id = «n9999»\nHINT: create an index on «field».",
    "ping": "PING «host#1» («ip#2»): 56 data bytes\n64 bytes from «ip#2»: icmp_seq=0 ttl=«n99» time=«n99».«n999» ms\n64 bytes from «ip#2»: icmp_seq=1 ttl=«n99» time=«n99».«n999» ms\n2 packets transmitted, 2 received",
    "dns": "; «host#1» zone, serial «yyyy»0«n9»«dd»\n«word» IN A «ip»\n«word» IN CNAME «host».\nmail IN MX «n99» mx«n9».example.net.\n_«service»._tcp IN SRV 0 «n9» «n9999» «word».example.org.",
    "curl-help": "Options:\n  -X, --request METHOD   use METHOD («GET|POST|PUT»)\n  -H, --header LINE      add a header, e.g. 'Accept: text/«html|plain|csv»'\n  --limit N              stop after N «things» (default «n99»)\n  --«word» FILE          write «things» to FILE",
    "irc": "[«hh»:«mm»] <«user#1»> does anyone know why «host» is down?\n[«hh»:«mm»] <«user#2»> they restarted «service» at «hh»:«mm»\n[«hh»:«mm»] <«user#1»> ok, POST to /«things» works again, thanks «user#2»\n[«hh»:«mm»] * «user» has joined #«word»",
}


def grammar(rng):
    return Grammar(rng, LISTS, "«»")


def request_templates(label):
    return [(label, "request-" + group, template) for group, template in REQUESTS.items()]


def other_templates(label):
    return [(label, "other-" + group, template) for group, template in OTHERS.items()]
