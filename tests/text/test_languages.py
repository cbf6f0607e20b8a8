"""Which language a text is in."""

from __future__ import annotations

import pytest

from llama_index_prod_rag.text.languages import detect_language

TEXTS = {
    "english": "How often is the signing key rotated?",
    "german": "Wie oft wird der Signaturschlüssel gewechselt?",
    "french": "À quelle fréquence la clé de signature est-elle changée ?",
    "spanish": "¿Con qué frecuencia se cambia la clave de firma?",
    "italian": "Quanto spesso viene cambiata la chiave di firma?",
    "dutch": "Hoe vaak wordt de sleutel voor ondertekening vervangen?",
    "swedish": "Hur ofta byts nyckeln som vi signerar med?",
    "turkish": "İmza anahtarı ne sıklıkla değiştirilir ve bu nasıl yapılır?",
    "russian": "Как часто меняется ключ подписи?",
    "hindi": "हस्ताक्षर कुंजी कितनी बार बदली जाती है?",
    "arabic": "كم مرة يتم تغيير مفتاح التوقيع؟",
    "chinese": "签名密钥多久轮换一次？",
    "japanese": "署名鍵はどのくらいの頻度で交換されますか？",
    "korean": "서명 키는 얼마나 자주 교체됩니까?",
    "thai": "กุญแจลงนามเปลี่ยนบ่อยแค่ไหน",
    "none": "באיזו תדירות מוחלף מפתח החתימה?",
}


@pytest.mark.parametrize(("language", "text"), TEXTS.items())
def test_a_question_tells_its_language(language: str, text: str) -> None:
    assert detect_language([text]) == language


def test_a_quotation_does_not_change_it_and_a_table_has_none() -> None:
    assert detect_language([TEXTS["german"] + " Das sagte er, und dann: «Ключ подписи»."]) == "german"
    assert detect_language(["SKU-12,4711\nSKU-13,4712"]) == detect_language([]) == "english"
    assert detect_language(["SKU-12,4711"], default="german") == "german"
