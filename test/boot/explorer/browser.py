# SPDX-License-Identifier: MIT
"""The explorer's page in a headless Chromium: browser.py ROOT PICTURES. ROOT holds the unpacked packages; pictures go to the
folder PICTURES. What the page shows is compared with what the machine says over HTTP."""
import os
import re
import sys
import tempfile
import time

root, pictures = sys.argv[1], sys.argv[2]
sys.path.insert(0, f'{root}/usr/lib/python3/dist-packages')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from machine import Machine, check, equal, finish, on_linux

PAGE = 4096


def start_browser(profile):
    """Only loopback addresses: other names do not resolve, and all other traffic goes to a proxy that does not exist."""
    libraries = f'{root}/usr/lib/x86_64-linux-gnu'
    with open(f'{profile}/fonts.conf', 'w') as fonts:
        fonts.write(f'<fontconfig><dir>{root}/usr/share/fonts</dir><cachedir>{profile}/fonts</cachedir></fontconfig>')
    environment = dict(os.environ, LD_LIBRARY_PATH=f'{libraries}:{libraries}/pulseaudio', HOME=profile, FONTCONFIG_FILE=f'{profile}/fonts.conf')
    options = webdriver.ChromeOptions()
    options.binary_location = f'{root}/usr/lib/chromium/chromium'
    for word in ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
                 '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps',
                 '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
                 '--proxy-server=127.0.0.1:9', '--proxy-bypass-list=localhost;127.0.0.1', f'--user-data-dir={profile}']:
        options.add_argument(word)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    return webdriver.Chrome(options=options, service=Service(f'{root}/usr/bin/chromedriver', env=environment))


class Page:
    def __init__(self, browser, machine):
        self.b, self.m = browser, machine

    def js(self, text, *arguments):
        return self.b.execute_script(text, *arguments)

    def size(self, width, height, mobile=False):
        self.b.execute_cdp_cmd('Emulation.setDeviceMetricsOverride',
                               {'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': mobile})

    def open(self, fragment=''):
        self.b.get('about:blank')
        self.b.get(f'http://127.0.0.1:{self.m.port}/{fragment}')
        self.wait(lambda: self.js('return document.documentElement.dataset.ready') == 'yes', 'the page is ready')

    def wait(self, condition, what, seconds=10):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return check(False, f'{what}: not within {seconds} s')

    def one(self, selector):
        return self.b.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.js('return document.querySelector(arguments[0]).textContent', selector)

    def click(self, selector):
        element = self.one(selector)
        self.js('arguments[0].scrollIntoView({block: "center", inline: "center"})', element)
        element.click()

    def address(self):
        return int(self.js('return document.getElementById("address").value'), 16)

    def entries(self):
        """What the page shows: [(level, entry)]."""
        return [(int(level), int(entry, 16)) for level, entry in
                self.js('return [...document.querySelectorAll("#levels > li")].map((li) => [li.dataset.level, li.dataset.entry])')]

    def agrees(self):
        """The walk on the page is the machine's, but for A, which reading changes, and D of tables."""
        def plain(entries):
            return [(level, entry & ~(0x60 if level > 1 else 0x20)) for level, entry in entries]
        return plain(self.entries()) == plain([(row['level'], int(row['entry'], 16)) for row in self.m.walk(self.address())['levels']])

    def picture(self, name):
        width = self.js('return innerWidth')
        self.js('scrollTo(0, 0)')
        self.size(width, self.js('return document.documentElement.scrollHeight'), width < 500)
        time.sleep(0.4)
        self.b.save_screenshot(f'{pictures}/{name}.png')
        self.size(width, 900, width < 500)


def check_scratch(p):
    start = int(p.m.get('/api/scratch')['start'], 16)

    def do(what, part):
        p.click(f'#scratch button[data-do="{what}"]')
        p.wait(lambda: part in p.text('#scratch-says'), f'{what}: "{part}"')
        p.wait(lambda: p.address() == start and p.agrees(), f'{what}: the walk follows')

    def words():
        return p.js('return [...document.querySelectorAll("#levels > li:last-child .word")].map((word) => word.textContent)')

    do('map', 'Mmap made an area')
    check('Nothing is mapped here' in p.text('#physical'), f'mapped: {p.text("#physical")}')
    do('touch', 'was read')
    check('accessed' in words() and 'copy-on-write' in words() and 'dirty' not in words(), f'touched: {words()}')
    do('dirty', 'was written')
    check('dirty' in words() and 'writable' in words() and 'copy-on-write' not in words(), f'dirty: {words()}')
    equal(p.text('#physical').split('\u2009')[0][:11], 'Physical 0x', 'the frame')
    equal(int(re.sub('[^0-9a-fx]', '', p.text('#physical').split('a page')[0].split('Physical ')[1]), 16),
          int(p.m.walk(start)['physical'], 16), 'the frame')
    flags = p.js('return document.querySelector("#sv39 .sv-row:last-of-type .flags").getAttribute("aria-label")')
    equal(flags, 'flags DA---WRV', 'Sv39')
    do('protect', 'took the right')
    check('writable' not in words(), f'protected: {words()}')
    do('dirty', 'SEGV_ACCERR')
    do('open', 'allows writing')
    # Live: without a click, accessed and dirty of what another client does.
    p.click('#look')
    p.wait(lambda: '0 accessed, 0 dirty since' in p.text('#heat-says') or p.click('#look'), 'a look at nothing')
    p.wait(lambda: 'dirty' not in words(), 'cleared, live')
    p.m.post('/api/scratch?do=dirty&page=0')
    p.wait(lambda: 'dirty' in words(), 'dirty, live')
    p.m.post('/api/scratch?do=dirty&page=7')
    p.wait(lambda: '2 dirty' in p.text('#heat-says'), f'the pages, live: {p.text("#heat-says")}')
    p.click('#look-often')
    p.wait(lambda: '0 dirty since the last look' in p.text('#heat-says'), 'looks each second')
    p.click('#look-often')


def check_map(p):
    areas = p.m.get('/api/areas')
    shown = p.js('return [...document.querySelectorAll(".area")].map((area) => area.dataset.start)')
    check({area['start'] for area in areas} - set(shown) == set(), 'areas that the map lacks')
    stack = next(area for area in areas if area['name'] == '[stack]')
    p.click(f'.area[data-start="{stack["start"]}"]')
    p.wait(lambda: int(stack['start'], 16) <= p.address() < int(stack['end'], 16) and p.agrees(), 'a click on the stack')
    check('[stack]' in p.text('#map-says') and '[stack]' in p.text('#heat-says'), 'the names of the stack')
    width = p.js('return document.getElementById("band").scrollWidth')
    for _ in range(4):
        p.click('#zoom-in')
    check(p.js('return document.getElementById("band").scrollWidth') > 3 * width, 'zoom in')
    p.wait(lambda: p.js('return document.querySelectorAll(".area canvas").length') > 3, 'pages in the map')
    p.click('#zoom-out')
    p.click('#zoom-fit')
    equal(p.js('return document.getElementById("band").scrollWidth'), width, 'fit')


def check_walk(p):
    p.js('document.getElementById("address").value = ""')
    p.one('#address').send_keys('nonsense', Keys.ENTER)
    p.wait(lambda: p.one('#address').get_attribute('aria-invalid') == 'true', 'nonsense is refused')
    p.js('document.getElementById("address").value = ""')
    p.one('#address').send_keys('800000000000', Keys.ENTER)
    p.wait(lambda: 'ot canonical' in p.text('#bits'), 'an address that is not canonical')
    p.js('document.getElementById("address").value = ""')
    code = int(p.m.get('/api/machine')['code'], 16)
    p.one('#address').send_keys(hex(code), Keys.ENTER)
    p.wait(lambda: len(p.entries()) == 4 and p.agrees(), 'the walk to code')
    bits = p.js('return [...document.querySelectorAll("#bits b")].map((b) => b.textContent).slice(1).join("")')
    equal(int(bits, 2), code, 'the bits')
    before = p.address()
    p.click('#step-4-next')  # the next slot of level 4 that is present
    p.wait(lambda: p.address() >> 39 != before >> 39 and p.agrees(), 'the next entry of level 4')
    p.click('#step-4-previous')
    p.wait(lambda: p.address() >> 39 == before >> 39 and p.agrees(), 'back')
    p.click('#levels > li:first-child canvas')
    p.wait(lambda: p.agrees(), 'a click on a table')
    p.one('#address').clear()
    p.one('#address').send_keys(hex(code), Keys.ENTER)
    p.wait(lambda: p.address() == code and p.agrees(), 'code again')


def check_window(p):
    walk = p.m.walk(p.address())
    for which, slot in [('p', walk['slot_p']), ('r', walk['slot_r'])]:
        p.click(f'#window-{which}')
        p.wait(lambda: p.one(f'#window-{which}').get_attribute('aria-pressed') == 'true', f'window {which}')
        rows = p.js('return [...document.querySelectorAll("#shift .row")].map((row) => [...row.querySelectorAll(".chip:not(.l0)")].map((c) => +c.textContent))')
        indices = [p.address() >> shift & 511 for shift in (39, 30, 21, 12)]
        for level, row in enumerate(rows):
            equal(row, ([slot] * level + indices)[:4], f'window {which}: the chips of row {level}')
        places = p.js('return [...document.querySelectorAll("#shift .place")].map((place) => place.textContent)')
        for row in walk['levels']:
            check(row['at' if which == 'p' else 'kernel_at'] in places[row['level']], f'window {which}: level {row["level"]}')
    active = p.js('return [...document.querySelectorAll(".way.active")].map((way) => way.dataset.name)')
    equal(active, ['recursive'], 'the active back end')
    equal(p.js('return document.querySelectorAll(".way.active .tick").length'), 4, 'its tables')


def check_crash(p):
    p.click('#overflow')
    p.wait(lambda: 'Segmentation fault' in p.text('#crash-says'), 'the child ended', 20)
    check('==== CRASH: stack overflow' in p.text('#report') and 'guard below the stack' in p.text('#report'), 'the report')
    check(p.one('#report').is_displayed(), 'the report is not shown')


def check_counters(p):
    p.wait(lambda: p.js('return document.querySelectorAll("#rates tbody tr").length') == 11, 'the counters')
    total = lambda: int(p.js('return document.querySelector("#rates tbody td.n").textContent'))
    first = total()
    p.wait(lambda: total() > first, 'faults are counted')
    check(abs(total() - p.m.get('/api/counters')['faults']['all']) < 3000, 'the number of faults')


def check_keyboard(p):
    """Everything by Tab, Enter and arrows."""
    p.open()
    p.js('document.activeElement.blur()')
    reached, walked = [], set()
    wanted = p.js('return [...document.querySelectorAll("button:not(:disabled), input, a[href], pre:not([hidden]), canvas[tabindex]")].filter((e) => e.offsetParent !== null && !e.closest("[hidden]")).length')
    keys = webdriver.ActionChains(p.b)
    for _ in range(wanted + 10):
        webdriver.ActionChains(p.b).send_keys(Keys.TAB).perform()
        name = p.js('const e = document.activeElement; return e === document.body ? "" : e.id || e.dataset.do || e.dataset.start || e.textContent')
        if name in walked or not name:
            break
        walked.add(name)
        reached.append(name)
    for name in ['address', 'zoom-in', 'map', 'touch', 'look-often', 'cells', 'window-r', 'overflow']:
        check(name in reached or p.js('return document.getElementById(arguments[0])?.disabled', name), f'Tab does not reach {name}: {reached}')
    check(sum(name.startswith('0x') for name in reached) >= 10, f'Tab does not reach the areas: {reached}')
    area = p.js('const a = document.querySelectorAll(".area.program")[1]; a.focus(); return a.dataset.start')
    keys = lambda *all_keys: webdriver.ActionChains(p.b).send_keys(*all_keys).perform()
    keys(Keys.ENTER)
    p.wait(lambda: p.address() == int(area, 16) and p.agrees(), 'Enter on an area')
    keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    p.wait(lambda: p.address() == int(area, 16) + 2 * PAGE and p.agrees(), 'arrows on an area')
    keys(Keys.ARROW_LEFT)
    p.wait(lambda: p.address() == int(area, 16) + PAGE and p.agrees(), 'an arrow to the left')
    keys('+', '+')
    check(p.js('const b = document.getElementById("band"); return b.scrollWidth > b.clientWidth + 50'), 'the key +')
    keys('0')
    p.js('document.getElementById("cells").focus()')
    keys(Keys.ARROW_RIGHT, Keys.ENTER)
    p.wait(lambda: p.address() == int(area, 16) + 2 * PAGE, 'Enter on a page')
    p.js('document.querySelector("#scratch button[data-do=touch]").focus()')
    keys(Keys.ENTER)
    p.wait(lambda: 'byte' in p.text('#scratch-says') or 'fault' in p.text('#scratch-says'), 'Enter on a button')


def check_looks(p):
    """A phone's width, dark and light."""
    p.size(390, 844, True)
    p.open()
    p.wait(lambda: p.agrees(), 'on a phone')
    check(p.js('return document.documentElement.scrollWidth') <= 390, 'wider than a phone')
    small = p.js('return [...document.querySelectorAll("button")].filter((b) => b.offsetParent && !b.classList.contains("area") && b.offsetHeight < 30).map((b) => b.textContent)')
    equal(small, [], 'buttons too small for a finger')
    p.click('#scratch button[data-do="touch"]')
    p.click('#zoom-in')
    p.picture('phone')
    light = p.js('return getComputedStyle(document.body).backgroundColor')
    p.b.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': 'dark'}]})
    check(p.js('return getComputedStyle(document.body).backgroundColor') != light, 'dark is as light')
    p.size(1280, 900)
    time.sleep(0.5)
    p.picture('dark')
    p.b.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': []})


def check_console(p, what):
    for line in p.b.get_log('browser'):
        check(False, f'{what}: the console says {line["message"]}')
    equal(p.js('return window.errors'), [], f'{what}: errors')


def main():
    m = Machine()
    browser = start_browser(tempfile.mkdtemp(prefix='chromium-'))
    try:
        browser.execute_cdp_cmd('Page.addScriptToEvaluateOnNewDocument', {'source':
            'window.errors = []; addEventListener("error", (e) => errors.push(e.message)); addEventListener("unhandledrejection", (e) => errors.push(String(e.reason)));'})
        p = Page(browser, m)
        p.size(1280, 900)
        p.open()
        check('recursive' in p.text('#machine') and 'process 1' in p.text('#machine'), p.text('#machine'))
        for part in [check_walk, check_map, check_scratch, check_window, check_counters, check_crash]:
            part(p)
            check_console(p, part.__name__)
        p.picture('wide')
        p.click('#scratch button[data-do="unmap"]')
        p.wait(lambda: 'Munmap took' in p.text('#scratch-says'), 'unmap')
        check_keyboard(p)
        check_console(p, 'keyboard')
        check_looks(p)
        check_console(p, 'looks')
        m.end()
        p.wait(lambda: 'does not answer' in p.text('#status'), 'a machine that has ended', 15)
        browser.get('about:blank')
        browser.get_log('browser')  # of requests that failed
        p.m = m = Machine('--pagetables', 'physmap')
        p.open('#0x1234567000')
        equal(p.js('return [...document.querySelectorAll(".way.active")].map((way) => way.dataset.name)'), ['physmap'], 'physmap')
        check(p.one('#window-r').get_attribute('disabled') is not None, 'physmap has no window R')
        check_console(p, 'physmap')
        browser.get('about:blank')  # which asks nothing
        m.end()
        p.m = m = on_linux()
        p.open()
        p.wait(lambda: 'not Ouro' in p.text('#bits'), 'Linux shows no walk')
        check('need Ouro' in p.text('#machine') and not p.one('#window').is_displayed(), 'Linux: what it cannot show')
        p.click('#scratch button[data-do="map"]')
        p.wait(lambda: p.one('#scratch button[data-do="unmap"]').is_enabled(), 'Linux: map')
        check_console(p, 'Linux')
        p.picture('linux')
        m.end()
    finally:
        browser.quit()
        m.process.kill()
    finish()


main()
