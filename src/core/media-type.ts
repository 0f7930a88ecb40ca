/** What was asked last, and what it is: each dialect asks it of the same request. */
let lastText = '';
let lastType = '';

/** The media type of a Content-Type in lower case, without parameters; RFC 9110 section 8.3.1. Empty where there is none. */
export function mediaType(contentType: string): string {
  if (contentType === lastText) return lastType;
  const semicolon = contentType.indexOf(';');
  lastType = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  lastText = contentType;
  return lastType;
}
