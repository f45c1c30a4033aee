/** What holds for every operation: the beginning of the reference, in paragraphs with code in backticks. */
export const introduction = [
  "JSON over HTTP. Names, types and shapes are those of Kisi's published API; what is ours is added to them.",

  '**Who calls.** By the `Authorization` header, scheme names in any case: `KISI-LOGIN <secret>` or `Bearer <secret>` with an ' +
    "API key or a member's login; `KISI-GROUP-LINK <secret>` or `KISI-LINK <secret>` with the secret of an access link, " +
    "which reads its own doors and unlocks them. The visitor's page is known by its cookie. Each operation that takes a " +
    'login names the scope that the login needs.',

  '**Requests.** Bodies are JSON and wrap their fields in the noun: `{ "group_link": { "name": "Robin Guest", "group_id": 3 } }`. ' +
    'A numeric string is read as a number, an empty text as none, and a slash at the end of a path is left out. A field ' +
    "or a parameter that is not described is refused by name; those of Kisi's that mean nothing here are accepted. " +
    'Instants are ISO 8601 with a zone.',

  '**Answers.** POST answers 200 with the record, PATCH and PUT 204 (a link: 200 with the link), DELETE 204. Instants are in ' +
    'UTC with milliseconds. Answers may grow by fields: read those you know.',

  '**Lists** are arrays with `limit` (10 by default, 50 for places and locks, 250 at most) and `offset`; ' +
    '`X-Collection-Range` says which part of how many it is. Events, and links where there are many, page by `cursor`.',

  '**Again.** A POST with an `Idempotency-Key` can be sent again when its answer was lost, for 24 hours: it is done once, and ' +
    'answered as the first time. Each operation that takes one lists it.',

  '**Errors** have one shape: `code` (six characters that never change), `error` (a sentence), `reason` (one word), `hint` (what ' +
    'to do), and for 422 `errors`: what was expected, by field. Every `reason` has a page, which the `Link` header names. 429 and 503 say by ' +
    '`Retry-After` when to try again. `X-Request-Id`, on every answer, is the name under which the request stands in the log. Beside what each operation lists, any request may be answered 400, 408, 417 or 431 when it is no proper ' +
    'HTTP, and 503 while the server stops or its database is away.',

  '**Unknown and foreign** are the same: what belongs to another organization is answered as if it were not there.',
].join('\n\n');
