// The source panel: opens a citation at its place in the document.
//
// A citation is a link `#c:DOCUMENT.START.END.HASH` (and `~START-END` of the highlight). The server checks the hash and
// sends the text around it already cut into pieces: offsets count code points, JavaScript counts UTF-16 units, so nothing
// is ever sliced here. What comes from a document is set as textContent only, never as HTML. Of a PDF the server also draws
// the page with the quote highlighted: a second tab shows that.

(() => {
  'use strict';

  const TIMEOUT = 8000; // milliseconds until a server that does not answer counts as away
  const MORE = 40; // paragraphs fetched when the reader scrolls to an end
  const NEAR = 400; // pixels from an end at which they are fetched
  const WIDE = '(min-width: 1280px)'; // here the panel has its own place and never covers anything
  const PHONE = '(max-width: 900px)';

  const panel = document.createElement('aside');
  panel.id = 'source';
  panel.setAttribute('aria-label', 'Source document');
  panel.innerHTML = `
    <div class="idle"><p>Select a number to read the quote in place.</p></div>
    <header>
      <span class="number"></span>
      <h2 class="title"></h2>
      <div class="buttons">
        <button type="button" class="previous" aria-label="Previous citation" title="Previous citation ( [ )">‹</button>
        <button type="button" class="next" aria-label="Next citation" title="Next citation ( ] )">›</button>
        <button type="button" class="close" aria-label="Close source" title="Close (Esc)">✕</button>
      </div>
      <p class="place"></p>
    </header>
    <div class="tabs" role="tablist" aria-label="How the source is shown">
      <button type="button" role="tab" id="source-tab-text" aria-controls="source-text">Text</button>
      <button type="button" role="tab" id="source-tab-page" aria-controls="source-page">Page</button>
    </div>
    <div class="body" id="source-text" tabindex="0" role="region" aria-label="Document text"></div>
    <div class="page" id="source-page" tabindex="0" role="tabpanel" aria-labelledby="source-tab-page"></div>
    <footer>
      <button type="button" class="copy-quote">Copy quote</button>
      <button type="button" class="back">Back to quote</button>
      <button type="button" class="copy-link">Copy link</button>
    </footer>
    <p class="told" role="status"></p>`;
  const part = (selector) => panel.querySelector(selector);
  const body = part('.body');
  const page = part('.page');
  const tabs = [...panel.querySelectorAll('[role=tab]')];
  const wide = matchMedia(WIDE);
  const phone = matchMedia(PHONE);

  // What is shown: the link's address and the conversation's card it stands in. Gradio may replace the link itself at any
  // time, so it is looked up again whenever it is needed.
  let shown = null; // {href, card}
  let text = null; // {source, quote, pages, before, after, first, last}: what the server sent, and how far we have read
  let view = 'text'; // or 'page': what the reader chose, and gets again wherever there are pages

  // --- citations in the conversation ---

  const linksIn = (card) => [...(card?.isConnected ? card : document).querySelectorAll('a.cite')];
  const link = () => shown && linksIn(shown.card).find((a) => a.getAttribute('href') === shown.href);

  function parse(href) {
    const [reference, highlight] = href.slice('#c:'.length).split('~');
    const [documentId, start, end] = reference.split('.');
    return { reference, highlight, documentId, span: `${start}-${end}` };
  }

  // The other citations of the answer in the same document, which get a thin underline.
  function others() {
    const here = parse(shown.href);
    const spans = linksIn(shown.card).map((a) => parse(a.getAttribute('href')))
      .filter((other) => other.documentId === here.documentId && other.span !== here.span)
      .map((other) => other.span);
    return [...new Set(spans)].join(',');
  }

  function mark() {
    if (shown?.card && !document.querySelector('.answer')) return close({ focus: false }); // a new chat
    const current = link();
    for (const a of document.querySelectorAll('a.cite')) {
      a.classList.toggle('on', a === current);
      a.setAttribute('aria-expanded', String(a === current));
      if (!a.hasAttribute('aria-label')) a.setAttribute('aria-label', `Citation ${a.textContent}: ${a.title}`);
    }
  }

  // --- opening and closing ---

  async function open(href, card, number, { focus }) {
    const opening = (shown = { href, card });
    text = null;
    document.body.classList.add('source-open');
    panel.classList.remove('idle');
    mark();
    heading(number, 'Opening the source…');
    body.replaceChildren();
    clearPage();
    if (focus) part('.close').focus({ preventScroll: true });
    const answer = await ask({});
    if (shown !== opening) return; // another one was opened meanwhile
    if (answer.error) return fail(answer);
    text = answer;
    heading(number, answer.title, answer);
    body.replaceChildren(...answer.window.map(paragraph));
    showTabs();
    requestAnimationFrame(() => {
      centre();
      if (phone.matches) uncover();
    });
  }

  function close({ focus = true } = {}) {
    const back = focus && link();
    shown = text = null;
    document.body.classList.remove('source-open');
    panel.classList.add('idle');
    body.replaceChildren();
    clearPage();
    showTabs();
    mark();
    if (back) back.focus();
  }

  function openLink(a, options) {
    open(a.getAttribute('href'), a.closest('.answer'), a.textContent, options);
  }

  function step(by) {
    const links = linksIn(shown?.card);
    const at = links.indexOf(link());
    if (links.length) openLink(links[(at + by + links.length) % links.length], { focus: false });
  }

  // --- what the panel says ---

  function heading(number, title, answer = null) {
    part('.number').textContent = number;
    part('.title').textContent = part('.title').title = title;
    part('.place').textContent = '';
    if (!answer) return;
    const file = answer.source.split('/').pop();
    const page = answer.page ? `page ${answer.page}` : '';
    const where = [file !== title && file, answer.author && `by ${answer.author}`, answer.date, page, answer.ocr && 'read by OCR', `paragraph ${answer.paragraph} of ${answer.paragraphs}`];
    part('.place').append(element('span', where.filter(Boolean).join(' · ')));
    if (answer.verified) part('.place').append(element('span', '✓ Verified word for word', 'verified'));
  }

  function fail({ error, remedy }) {
    heading(part('.number').textContent, 'Source unavailable');
    showTabs();
    body.replaceChildren(element('p', error, 'problem'), element('p', remedy || '', 'hint'));
  }

  // A paragraph from its pieces; neighbouring pieces of the quote share one <mark>.
  function paragraph({ index, heading, segments }) {
    const far = Math.abs(index + 1 - text.paragraph) > 3;
    const p = element('p', '', `${heading ? 'heading' : ''} ${far ? 'far' : ''}`.trim());
    let quote = null;
    for (const [exact, kind] of segments) {
      const piece = exact.replaceAll('\f', '\n'); // the end of a page, which browsers draw as a box
      if (kind === 'quote' || kind === 'highlight') {
        if (!quote) p.append((quote = element('mark', '')));
        quote.append(kind === 'highlight' ? element('strong', piece) : piece);
      } else {
        quote = null;
        p.append(kind === 'other' ? element('span', piece, 'other') : piece);
      }
    }
    if (p.querySelector('mark')) p.classList.add('hit');
    return p;
  }

  function element(tag, content, className = '') {
    const made = document.createElement(tag);
    made.textContent = content;
    made.className = className;
    return made;
  }

  function tell(message) {
    const told = part('.told');
    told.textContent = message;
    setTimeout(() => { if (told.textContent === message) told.textContent = ''; }, 2500);
  }

  // --- the page of a PDF ---

  // The tabs are there where there are pages; without them the text is no tab's panel but a region of its own.
  function showTabs() {
    const paged = Boolean(text?.pages.length);
    const onPage = paged && view === 'page';
    part('.tabs').hidden = !paged;
    body.hidden = onPage;
    page.hidden = !onPage;
    body.setAttribute('role', paged ? 'tabpanel' : 'region');
    for (const tab of tabs) {
      const selected = (tab.id === 'source-tab-page') === onPage;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
    }
    if (onPage && !page.childElementCount) drawPages();
  }

  function choose(tab) {
    view = tab.id === 'source-tab-page' ? 'page' : 'text';
    showTabs();
    tab.focus();
    centre();
  }

  function clearPage() {
    for (const image of page.querySelectorAll('img')) URL.revokeObjectURL(image.src);
    page.replaceChildren();
  }

  // One picture a page, in order; the first that has the quote on it comes into view.
  async function drawPages() {
    const here = shown;
    page.append(element('p', 'Drawing the page…', 'hint'));
    for (const number of text.pages) {
      const figure = await drawPage(number);
      if (shown !== here) return;
      page.querySelector('.hint')?.remove();
      page.append(figure);
      if (page.childElementCount === 1) centre();
    }
  }

  async function drawPage(number) {
    const address = `v1/pages/${encodeURIComponent(parse(shown.href).reference)}.png?page=${number}`;
    const figure = element('figure', '');
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(4 * TIMEOUT) });
      if (!response.ok) throw await response.json();
      const image = new Image();
      image.alt = `Page ${number} of ${text.title}, the quote highlighted`;
      image.src = URL.createObjectURL(await response.blob());
      image.dataset.highlight = response.headers.get('highlight') || '';
      await image.decode();
      const link = element('a', '');
      Object.assign(link, { href: `${address}&scale=3`, target: '_blank', rel: 'noopener', title: 'Open a larger picture in a new tab' });
      link.append(image);
      figure.append(link, element('figcaption', `Page ${number}`));
    } catch (problem) {
      figure.append(element('p', problem.error || 'The page could not be loaded.', 'problem'),
        element('p', problem.remedy || 'Check that Pullquote is running, then try again.', 'hint'));
    }
    return figure;
  }

  // --- the server ---

  async function ask(range) {
    const { reference, highlight } = parse(shown.href);
    const query = new URLSearchParams(range);
    if (highlight) query.set('highlight', highlight);
    if (others()) query.set('other', others());
    try {
      const response = await fetch(`v1/sources/${encodeURIComponent(reference)}?${query}`,
        { signal: AbortSignal.timeout(TIMEOUT) });
      return await response.json();
    } catch {
      return { error: 'The source could not be loaded.', remedy: 'Check that Pullquote is running, then try again.' };
    }
  }

  // More paragraphs when the reader comes to an end of those there are.
  let fetching = false;
  async function more() {
    if (!text || fetching) return;
    const up = text.before > 0 && body.scrollTop < NEAR;
    const down = text.after > 0 && body.scrollHeight - body.scrollTop - body.clientHeight < NEAR;
    if (!up && !down) return;
    fetching = true;
    const here = text;
    const last = here.paragraphs - here.after;
    const answer = await ask(up ? { from: Math.max(0, here.before - MORE), to: here.before } : { from: last, to: last + MORE });
    fetching = false;
    if (text !== here || answer.error) return;
    const added = answer.window.map(paragraph);
    if (up) {
      const height = body.scrollHeight;
      body.prepend(...added);
      body.scrollTop += body.scrollHeight - height; // what is being read stays where it is
      text.before = answer.before;
    } else {
      body.append(...added);
      text.after = answer.after;
    }
  }

  // --- scrolling ---

  function centre() {
    const image = page.querySelector('img[data-highlight]:not([data-highlight=""])');
    if (image) {
      const [top, bottom] = image.dataset.highlight.split('-').map((y) => y * image.clientHeight / image.naturalHeight);
      const at = image.getBoundingClientRect().top - page.getBoundingClientRect().top + page.scrollTop;
      page.scrollTop = at + (top + bottom - page.clientHeight) / 2;
    }
    const first = body.querySelector('mark');
    if (!first) return;
    const offset = first.getBoundingClientRect().top - body.getBoundingClientRect().top;
    body.scrollTop += offset - body.clientHeight / 3;
  }

  // On a phone the panel covers the lower 70%: bring the cited sentence above it.
  function uncover() {
    const current = link();
    const scroller = scrollParent(current);
    if (!scroller) return;
    const quote = current.closest('.quote') || current;
    const room = panel.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const height = Math.min(quote.getBoundingClientRect().height, room - 16);
    scroller.scrollTop += current.getBoundingClientRect().bottom - scroller.getBoundingClientRect().top
      - Math.min(room - 12, (room + height) / 2);
  }

  function scrollParent(node) {
    for (let at = node?.parentElement; at; at = at.parentElement) {
      if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
    }
    return null;
  }

  // --- events ---

  async function copy(content, what) {
    try {
      await navigator.clipboard.writeText(content);
      tell(`${what} copied`);
    } catch {
      tell('The browser did not allow copying');
    }
  }

  document.addEventListener('click', (event) => {
    const a = event.target.closest?.('a.cite');
    if (!a) return;
    event.preventDefault();
    event.stopPropagation();
    if (a !== link()) openLink(a, { focus: true });
    else if (!wide.matches) close();
    else if (text) centre(); // the panel is there anyhow: whoever selects a number wants to see its quote
    else openLink(a, { focus: true });
  }, true);

  document.addEventListener('keydown', (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === ' ' && event.target.matches?.('a.cite')) {
      event.preventDefault();
      event.target.click();
    }
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') close();
    if (!typing && event.key === '[') step(-1);
    if (!typing && event.key === ']') step(1);
  });

  for (const tab of tabs) {
    tab.addEventListener('click', () => choose(tab));
    tab.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const to = by ? tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length] : { Home: tabs[0], End: tabs.at(-1) }[event.key];
      if (!to) return;
      event.preventDefault();
      choose(to);
    });
  }
  part('.close').addEventListener('click', () => close());
  part('.previous').addEventListener('click', () => step(-1));
  part('.next').addEventListener('click', () => step(1));
  part('.back').addEventListener('click', centre);
  part('.copy-quote').addEventListener('click', () => {
    if (text) copy(`“${text.quote.trim()}” (${[text.source, text.page && `page ${text.page}`].filter(Boolean).join(', ')})`, 'Quote');
  });
  part('.copy-link').addEventListener('click', () => {
    if (shown) copy(new URL(shown.href, location.href).href, 'Link');
  });
  body.addEventListener('scroll', more, { passive: true });

  // --- for the page ---

  window.pullquote = {
    // Called when an answer has ended, with the conversation as it is then, which is kept: on a wide screen the answer's
    // first citation opens by itself; the focus stays where it is.
    answered(turns, messages) {
      window.pullquote.keep(turns, messages);
      requestAnimationFrame(() => {
        const cards = document.querySelectorAll('.answer');
        const last = cards[cards.length - 1];
        mark();
        const first = wide.matches && last?.matches(':not(.none, .error)') && last.querySelector('a.cite');
        if (first) openLink(first, { focus: false });
        else if (shown) close({ focus: false });
      });
    },
    copy,
    mark,
  };

  panel.classList.add('idle');
  showTabs();
  document.body.append(panel);
  // A copied link: the page opens with its citation.
  if (location.hash.startsWith('#c:')) open(location.hash, null, '”', { focus: false });
})();
