// The page around the conversation: library drawer, document filter, copying, and repairs of Gradio's own markup.

(() => {
  'use strict';

  const SMALL = matchMedia('(max-width: 900px)');
  const root = document.documentElement;
  const library = () => document.getElementById('library');

  // --- the library: a pane on a desktop, a drawer over the page on a phone ---

  function showLibrary(open) {
    root.classList.toggle('library-open', open);
    root.classList.toggle('library-closed', !open);
    document.getElementById('library-toggle')?.setAttribute('aria-expanded', String(open));
    if (SMALL.matches && open) document.getElementById('library-close')?.focus();
    if (!open && library()?.contains(document.activeElement)) document.getElementById('library-toggle')?.focus();
  }

  const isLibraryOpen = () => (SMALL.matches ? root.classList.contains('library-open') : !root.classList.contains('library-closed'));

  document.addEventListener('click', (event) => {
    if (event.target.closest?.('#library-toggle')) showLibrary(!isLibraryOpen());
    else if (event.target.closest?.('#library-close')) showLibrary(false);
    else if (SMALL.matches && isLibraryOpen() && !event.target.closest?.('#library')) showLibrary(false);
  });

  // --- the filter: hides what does not match; the server renders the list anew after every change ---

  function filter() {
    const wanted = document.getElementById('filter')?.value.trim().toLocaleLowerCase() ?? '';
    const items = [...document.querySelectorAll('#documents li')];
    for (const item of items) {
      const name = item.querySelector('.name');
      item.hidden = !`${name.textContent}\n${name.title}`.toLocaleLowerCase().includes(wanted); // the title has the folders
    }
    const said = items.length && items.every((item) => item.hidden) ? 'No document has this in its name, title or folder.' : '';
    const unmatched = document.getElementById('unmatched');
    if (unmatched && unmatched.textContent !== said) unmatched.textContent = said;
  }

  document.addEventListener('input', (event) => { if (event.target.id === 'filter') filter(); });

  // --- what was told of an upload goes when it is dismissed ---

  document.addEventListener('click', (event) => {
    const row = event.target.closest?.('.row-in .dismiss')?.parentElement;
    if (!row) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector('.dismiss') ?? document.querySelector('#upload button'))?.focus();
  });

  // --- copy with citations: the quotes with their numbers, then where each number stands ---

  function withCitations(card) {
    const quotes = [];
    const places = [];
    for (const quote of card.querySelectorAll('.quote')) {
      const bare = quote.cloneNode(true);
      const numbers = [...bare.querySelectorAll('a.cite')].map((a) => {
        places.push(`[${a.textContent}] ${a.title}`);
        a.remove();
        return `[${a.textContent}]`;
      });
      for (const br of bare.querySelectorAll('br')) br.replaceWith('\n');
      quotes.push(`“${bare.textContent.trim()}” ${numbers.join('')}`);
    }
    return [...quotes, '', ...places].join('\n');
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest?.('.answer button.copy');
    if (!button) return;
    await window.pullquote.copy(withCitations(button.closest('.answer')), 'Answer');
    const label = button.textContent;
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = label; }, 1800);
  });

  // --- keys ---

  // The first thing that Tab reaches: the library has a button a document.
  const skip = document.createElement('button');
  skip.type = 'button';
  skip.className = 'skip';
  skip.textContent = 'Skip to the question';
  skip.addEventListener('click', () => document.querySelector('#question textarea, #welcome button')?.focus());
  document.body.prepend(skip);

  document.addEventListener('keydown', (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      box()?.focus();
    }
    if (event.key === 'Escape' && SMALL.matches && isLibraryOpen()) showLibrary(false);
  });

  // --- the conversation, kept for this tab only: the browser forgets it when the tab is closed ---

  const KEPT = 'pullquote.conversation';
  const MOST = 1_000_000; // characters; of a longer conversation the end is kept
  const TURNS = 20;

  function keep(turns, messages) {
    const said = messages.map(({ role, content }) => [role, content.map((part) => part.text ?? '').join('')]);
    const written = () => JSON.stringify({ turns: turns.slice(-TURNS), messages: said });
    try {
      while (written().length > MOST) said.splice(0, 2);
      sessionStorage.setItem(KEPT, written());
    } catch { /* the browser keeps nothing: a reload then begins anew */ }
  }

  function kept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT));
    } catch {
      return null;
    }
  }

  // --- what is sent while an answer is made stays in its box, and is asked after it ---

  const box = () => document.querySelector('#question textarea');
  const isAnswering = () => [...document.querySelectorAll('#talk .answer')].at(-1)?.matches(':not(.done, .error)');

  function tellWaiting(waits) {
    const told = document.getElementById('waits');
    const said = waits && isAnswering() && box()?.value.trim() ? 'Asked when this answer is complete.' : '';
    if (told && told.textContent !== said) told.textContent = said;
  }
  const isTold = () => Boolean(document.getElementById('waits')?.textContent);

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.target === box()) tellWaiting(true);
  }, true);
  document.addEventListener('click', (event) => { if (event.target.closest?.('#question .submit-button')) tellWaiting(true); }, true);
  document.addEventListener('input', (event) => { if (event.target === box()) tellWaiting(isTold()); });

  // --- a new question moves to the top of the view, and its answer grows below it ---

  let questions = 0;
  function follow() {
    const all = document.querySelectorAll('#talk .question');
    const last = all[all.length - 1];
    if (last && all.length > questions) last.closest('.message-row').scrollIntoView({ block: 'start' });
    questions = all.length;
  }

  // --- after every change of the page, once per frame ---

  function tidy() {
    filter();
    follow();
    tellWaiting(isTold());
    window.pullquote?.mark();
    // Repairs of Gradio's names: it labels a message with its HTML, its upload field without the title above it, and
    // its list of examples, which has no items, as a list; its send button has no name at all.
    for (const message of document.querySelectorAll('#talk [aria-label*="<div"]')) message.removeAttribute('aria-label');
    for (const field of document.querySelectorAll('.upload-container')) {
      name(field, `${field.closest('.block').querySelector('label').textContent.trim()}: ${field.innerText.replace(/\s+/g, ' ').trim()}`);
    }
    for (const button of document.querySelectorAll('#question .submit-button')) name(button, 'Ask');
    for (const examples of document.querySelectorAll('.examples[role=list]')) {
      examples.setAttribute('role', 'group');
      name(examples, 'Example questions');
    }
  }

  function name(element, label) {
    if (label && element.getAttribute('aria-label') !== label) element.setAttribute('aria-label', label);
  }

  Object.assign(window.pullquote, { keep, kept });

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; tidy(); });
  }).observe(root, { subtree: true, childList: true });
})();
