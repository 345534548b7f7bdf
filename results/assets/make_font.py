"""Makes TrueupSans.ttf and TrueupSans.woff2 from NanumBarunGothic Regular.

Run in this folder: python3 make_font.py /usr/share/fonts/truetype/nanum/NanumBarunGothic.ttf
Made with Python 3.11, fontTools 4.68.0, brotli 1.2.1, Debian package fonts-nanum 20200506-1.

Characters that plots need and the source lacks are added: the minus sign, a plus without its
upright, and Latin letters with accents, composed of the letter and the accent. Chinese characters, Cyrillic, kana and dingbats are left out. The name changes because the
licence reserves the old one.
"""

import sys
import unicodedata

from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

NAME = "Trueup Sans"
KEEP = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x1E0, 0x2FF), (0x370, 0x3FF), (0x2010, 0x206F),
    (0x2070, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x214F), (0x2190, 0x21FF), (0x2200, 0x22FF),
    (0x2460, 0x2473), (0x25A0, 0x25FF), (0x3000, 0x303F), (0x3131, 0x318E), (0xAC00, 0xD7A3),
]


def bar(pen, left, right, bottom, top):
    pen.moveTo((left, bottom))
    pen.lineTo((left, top))
    pen.lineTo((right, top))
    pen.lineTo((right, bottom))
    pen.closePath()


def add(font, name, code, width, draw):
    pen = TTGlyphPen(font.getGlyphSet())
    draw(pen)
    font["glyf"][name] = pen.glyph()
    font["glyf"][name].recalcBounds(font["glyf"])
    font["hmtx"][name] = (width, font["glyf"][name].xMin)
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[code] = name


# Combining accents and the spacing characters that look like them.
ACCENTS = {
    0x300: 0x60, 0x301: 0xB4, 0x302: 0x5E, 0x303: 0x2DC, 0x304: 0xAF, 0x306: 0x2D8, 0x307: 0x2D9,
    0x308: 0xA8, 0x30A: 0x2DA, 0x30B: 0x2DD, 0x30C: 0x2C7, 0x327: 0xB8, 0x328: 0x2DB,
}


def compose(font):
    """Adds the letters of Latin-1 and Latin Extended-A that are a letter and one accent."""
    glyphs, cmap = font["glyf"], dict(font.getBestCmap())
    for code in range(0xC0, 0x180):
        parts = unicodedata.decomposition(chr(code)).split()
        if code in cmap or len(parts) != 2 or parts[0].startswith("<"):
            continue
        parts = [int(part, 16) for part in parts]
        if parts[0] not in cmap or ACCENTS.get(parts[1]) not in cmap:
            continue
        dotless = 0x131 if parts[0] == 0x69 and 0x131 in cmap else parts[0]
        letter, accent = cmap[dotless], cmap[ACCENTS[parts[1]]]
        base, mark = glyphs[letter], glyphs[accent]
        shift = (base.xMin + base.xMax - mark.xMin - mark.xMax) // 2
        below = parts[1] in (0x327, 0x328)
        lift = 0 if below else max(0, base.yMax + 50 - mark.yMin)

        def draw(pen):
            pen.addComponent(letter, (1, 0, 0, 1, 0, 0))
            pen.addComponent(accent, (1, 0, 0, 1, shift, lift))

        add(font, f"made{code:04X}", code, font["hmtx"][letter][0], draw)


def main(source):
    font = TTFont(source)
    cmap = font.getBestCmap()
    glyphs = font["glyf"]
    plus = glyphs[cmap[0x2B]]
    width = font["hmtx"][cmap[0x2B]][0]
    middle, half = (plus.yMin + plus.yMax) // 2, 33
    add(font, "minus", 0x2212, width,
        lambda pen: bar(pen, plus.xMin, plus.xMax, middle - half, middle + half))

    compose(font)
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.glyph_names = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[u for low, high in KEEP for u in range(low, high + 1)])
    subsetter.subset(font)
    names = {
        1: NAME, 2: "Regular", 3: "Trueup Sans 1.0", 4: "Trueup Sans Regular", 5: "Version 1.0",
        6: "TrueupSans-Regular",
        13: "This Font Software is licensed under the SIL Open Font License, Version 1.1.",
        14: "https://openfontlicense.org",
    }
    copyright_ = font["name"].getDebugName(0)
    font["name"].names = []
    font["name"].setName(copyright_, 0, 3, 1, 0x409)
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    # The plot library sizes SVG text by the em and bitmap text by ascent + descent, and takes the
    # latter for 1.24 em. With these metrics both are right, and pictures match.
    font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = 950, -290, 0
    os2 = font["OS/2"]
    os2.sTypoAscender, os2.sTypoDescender, os2.sTypoLineGap = 950, -290, 0
    os2.usWinAscent, os2.usWinDescent = 950, 290
    os2.fsType = 0  # The licence allows embedding; the bits of the source say otherwise by mistake.
    font.save("TrueupSans.ttf")
    font.flavor = "woff2"
    font.save("TrueupSans.woff2")
    have = font.getBestCmap()
    # Some fonts of the family list all syllables and leave most of them blank.
    blank = [u for u in range(0xAC00, 0xD7A4) if font["glyf"][have[u]].numberOfContours == 0]
    assert not blank, "Hangul incomplete"
    print(len(have), "characters;", copyright_)


if __name__ == "__main__":
    main(sys.argv[1])
