/** What a QR code may hold that means something to a database, a shell, a page, a log or a parser. */
export const hostileWords = String.raw`
' OR '1'='1|'; DROP TABLE links; --|" OR ""="|admin'--|1;SELECT pg_sleep(9)|\'; --|%27%20OR%201=1|$(reboot)
; rm -rf /|| nc -l 1|&& true|$IFS|%s%n%x|../../etc/passwd|{{7*7}}|<script>alert(1)</script>
"><img src=x onerror=alert(1)>|\u0000|javascript:alert(1)|<!--|]]>|&lt;|__proto__|constructor|toString|null
undefined|NaN|true|[]|{}|é|PSN1:|PSN1|psn1:|PSN1::::|PSN2:000|HC1:NCFOXN|https://door.example/l/1#x
WIFI:T:WPA;S:x;;|BEGIN:VCARD|\x1b[31m|{"type":"unlock"}|<?xml?>`
  .split(/[|\n]/)
  .concat(
    `|\t|\0|\r\n2026-01-01 INFO granted|\u001b[2J|\u001b]0;x\u0007|\u202e|\ufeff|\x7f|\x80|\n/bin/sh`.split(
      '|',
    ),
  )
  .concat(`\x24{jndi:ldap://x}|\x60id\x60|\ud800|\udfff\ud800|\ufffe|e\u0301`.split('|'));
