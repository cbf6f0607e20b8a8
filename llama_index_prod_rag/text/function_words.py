"""Function words by language, where bm25s has no list or one without question words.

They serve twice: the gate leaves them out, because they say nothing about a question's subject, and a text's language
is told by them. Lists of bm25s (from NLTK and Lucene) are added in `text.languages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LISTS = {
    "english": """
        a an the and or but if then than so as of at by for with about into to from in on off over under between
        through during before after above below up down out is am are was were be been being do does did doing done
        have has had having can could may might must shall should will would i you he she it we they me him her us
        them my your his its our their this that these those there here what which who whom whose when where why how
        not no nor only same own such both each few more most other some any all s t don doesn didn isn wasn aren
        weren won wouldn couldn shouldn hasn haven hadn""",
    "german": """
        wer wen wem wessen was welche welcher welches welchen welchem wann wo wohin woher warum wieso weshalb wie
        wieviel viel oft lange wird werden wurde wurden worden kann können darf dürfen muss müssen soll sollen mag gibt
        es ja nein bitte beim vom zum zur im ins am ans""",
    "french": """
        qui que quoi quel quelle quels quelles quand où pourquoi comment combien est ce sont était être avoir a ont
        l d j m n s t qu c le la les un une des du de au aux et ou mais donc il elle ils elles on se sa son ses leur
        leurs cette cet ces dans sur pour par avec sans fréquence peut doit""",
    "spanish": """
        quién quiénes qué cuál cuáles cuándo dónde adónde cómo cuánto cuánta cuántos cuántas por para es son está
        están fue ser se del al puede debe hay""",
    "italian": "chi che cosa quale quali quando dove perché come quanto quanta quanti quante è sono può deve del della",
    "portuguese": "quem qual quais quando onde como quanto quanta quantos quantas porquê é são está pode deve se do da",
    "dutch": "wie wat welke welk wanneer waar waarom hoe hoeveel wordt worden kan moet mag het een de vaak",
    "danish": "hvem hvad hvilken hvilket hvilke hvornår hvor hvorfor hvordan kan skal må er bliver ofte",
    "norwegian": "hvem hva hvilken hvilket hvilke når hvor hvorfor hvordan kan skal må er blir ofte",
    "swedish": "vem vad vilken vilket vilka när var varför hur kan ska måste är blir ofta",
    "finnish": """
        ja tai mutta on ei ole oli olla mikä mitkä mitä kuka ketkä milloin missä mistä mihin miksi miten kuinka se ne
        hän he tämä nämä tuo että jos kun niin myös joka jotka voi""",
    "hungarian": """
        a az egy és vagy de nem van volt lesz hogy mi mit ki kik kit melyik mikor hol hová miért hogyan mennyi hány ez
        ezek azok ha is meg csak már milyen""",
    "romanian": """
        și sau dar nu este sunt era fi cine ce care când unde cum cât câte câți un o al ai ale lui la în din pe cu de
        pentru prin se să acest această aceste""",
    "catalan": """
        el la els les un una i o però no és són era ser qui què quin quina quins quines quan on com quant quants per
        amb de del dels al als en es se aquest aquesta""",
    "basque": "eta edo baina ez da dira zen bat nor zer zein noiz non nola zenbat hau hori du dute",
    "indonesian": """
        yang dan atau di ke dari untuk dengan pada adalah ini itu tidak akan telah sudah siapa apa mana kapan mengapa
        bagaimana berapa oleh dalam para juga""",
    "irish": "an na agus nó ach is tá bhí ní níl cé cad cathain cá conas cén mé tú sé sí ar ag le do de",
    "lithuanian": "ir ar bet ne yra buvo būti kas ką koks kokia kada kur kodėl kaip kiek tai šis ši su iš į apie",
    "turkish": """
        ne kim kimin hangi nerede nereye nasıl neden niçin kaç kadar ve veya ile bir bu şu mi mı mu mü için da de""",
    "russian": "кто что какой какая какое какие когда где куда откуда почему зачем как сколько ли это является",
    "serbian": "и или али је су био бити ко шта који која које када где зашто како колико ово то на у са од за не се",
    "greek": """
        ο η το οι τα του της των και ή αλλά είναι ήταν ποιος ποια ποιο τι πότε πού γιατί πώς πόσο πόσα σε με για από
        που να θα δεν ένα μια""",
    "armenian": "և կամ բայց է են էր ով ինչ որ երբ որտեղ ինչու ինչպես քանի այս այդ",
    "arabic": """
        في من إلى على عن مع هو هي هم هذا هذه ذلك التي الذي أن إن لا ما لم لن كان كانت يكون تم يتم كم مرة متى أين كيف
        لماذا هل أي أو و ثم كل""",
    "hindi": """
        का की के को से में पर और या है हैं था थी थे हो होता होती कौन क्या कौनसा कब कहाँ क्यों कैसे कितना कितनी कितने
        यह वह ये वे इस उस जो नहीं भी तक एक लिए जाता जाती जाते""",
    "nepali": "को का की र वा छ छन् हो थियो के कुन कहिले कहाँ किन कसरी कति यो त्यो यी ती मा बाट लाई",
    "tamil": "மற்றும் அல்லது ஒரு இது அது யார் என்ன எது எப்போது எங்கே ஏன் எப்படி எவ்வளவு உள்ளது என்று",
    "yiddish": "און אָדער איז זענען ווער וואָס ווען וווּ פאַרוואָס ווי אַ דער די דאָס ניט",
}  # fmt: skip

WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {language: frozenset(words.split()) for language, words in _LISTS.items()}
)
"""Language -> its function and question words, in lower case."""
