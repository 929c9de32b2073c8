// Boxes that are wider than the page scroll, so they must be reachable by the keyboard.
const makeScrollablesFocusable = () => {
  for (const box of document.querySelectorAll('pre code, .wide, .tsd-signature')) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
    else box.removeAttribute('tabindex')
  }
}
addEventListener('resize', makeScrollablesFocusable)
new ResizeObserver(makeScrollablesFocusable).observe(document.body)

// A screen reader chooses an option of a list box as a whole, so an option must not contain a link.
const results = document.querySelector('#tsd-search-results')
const replaceLinks = () => {
  for (const link of results.querySelectorAll('a[href]')) {
    const { href } = link
    link.dataset.href = href
    link.removeAttribute('href')
    link.removeAttribute('tabindex')
    const open = (event) => {
      if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(href)
      else if (event.button === 0) location.assign(href)
    }
    link.addEventListener('click', open)
    link.addEventListener('auxclick', open)
  }
}
new MutationObserver(replaceLinks).observe(results, { childList: true })
