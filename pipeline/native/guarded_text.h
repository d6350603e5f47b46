// Texts that a spreadsheet program takes for something else when it opens them in a CSV: formulas, numbers, dates.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

namespace pipeline {

// What keeps a text a text: nothing, an apostrophe before it, or that it is written as the formula ="text".
enum class Guard : unsigned char { None, Apostrophe, Literal };

// What a formula starts with: OWASP, "CSV Injection".
inline bool is_formula(std::string_view text) {
    if (text.empty()) return false;
    if (text[0] != '\0' && std::strchr("=+-@\t\r\n", text[0]) != nullptr) return true;
    const std::string_view start = text.substr(0, 3);
    return start == "\xef\xbc\x9d" || start == "\xef\xbc\x8b" || start == "\xef\xbc\x8d" || start == "\xef\xbc\xa0";
}

namespace look {

inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; }
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Each word between spaces, so that it is found with the spaces around it.
constexpr std::string_view kBooleans =
    " true false wahr falsch vrai faux verdadero falso vero waar onwaar verdadeiro prawda fa\xc5\x82sz fa\xc5\x81sz sant "
    "falskt sand falsk sann usann pravda nepravda tosi ep\xc3\xa4tosi ep\xc3\x84tosi ";
// Parts of numbers and times: exponents, halves of the day, currencies, what stands between days and months.
constexpr std::string_view kParts =
    " a am chf czk d de del di dkk e eur fr ft gbp kc kl kr nok p pln pm r rs sek t usd z zl ";
// The first three letters of months and days of the week in the languages of the locales.
constexpr std::string_view kNames =
    " abr ago apr aug avr cze czw dec des dez dic die dim dom don dub eki elo ene feb fei fev fre fri gen gio gru "
    "giu hei hel huh jan jeu jou jue jui jul jun kes kve kwi lau led lip lis lok lou lug lun lut maa mag mai "
    "maj man mar may mei mer mie mit mon mor mrt mrz ned nie nov oct okt ons ott out pat paz per pia pon pro qua "
    "qui sab sam sat seg sep set sex sie sob son sri sro srp sty sun syy tam ter thu tii tir tis tor tou "
    "tue ven vie vri wed woe wrz wto zat zon ";
// Days of the week of two letters.
constexpr std::string_view kShortNames = " di do fr ke la ma mi mo ne pa pe po pt sa so st su ti to ut vr wo wt za zo ";

inline bool holds(std::string_view words, const char* word, size_t size) {
    char spaced[16] = {' '};
    std::memcpy(spaced + 1, word, size);
    spaced[size + 1] = ' ';
    return words.find(std::string_view(spaced, size + 2)) != std::string_view::npos;
}

// Whether a word may stand in a number or a date; every word that has letters beyond ASCII may.
inline bool may_be_of_number(std::string_view word) {
    char small[3];
    for (size_t i = 0; i < word.size(); ++i) {
        if (word[i] & 0x80) return true;
        if (i < 3) small[i] = lower(word[i]);
    }
    if (word.size() >= 3 && holds(kNames, small, 3)) return true;
    return word.size() <= 3 && (holds(kParts, small, word.size()) || holds(kShortNames, small, word.size()));
}

// Whether it holds a digit of the full width, U+FF10 to U+FF19.
inline bool has_wide_digit(std::string_view word) {
    for (size_t at = 0; (at = word.find("\xef\xbc", at)) != std::string_view::npos; at += 2)
        if (at + 2 < word.size() && static_cast<unsigned char>(word[at + 2] - 0x90) < 10) return true;
    return false;
}

// Without the spaces around it, those that break no line included.
inline std::string_view trimmed(std::string_view text) {
    for (const std::string_view space : {" ", "\xc2\xa0", "\xe2\x80\xaf", " "}) {
        while (text.substr(0, space.size()) == space) text.remove_prefix(space.size());
        while (text.size() >= space.size() && text.substr(text.size() - space.size()) == space) text.remove_suffix(space.size());
    }
    return text;
}

inline bool is_boolean(std::string_view padded) {
    const std::string_view text = trimmed(padded);
    char small[12];
    if (text.size() < 4 || text.size() > sizeof small) return false;
    std::transform(text.begin(), text.end(), small, lower);
    return holds(kBooleans, small, text.size());
}

}  // namespace look

// Whether a program may take a text for a number, a date, a time or a truth value, in any of the languages. It errs on the
// side of yes: what is guarded needlessly reads the same.
inline bool looks_like_value(std::string_view text) {
    if (look::is_boolean(text)) return true;
    bool has_digit = false;
    size_t i = 0;
    while (i < text.size()) {
        const char c = text[i];
        if (look::is_letter(c)) {
            const size_t begin = i;
            while (i < text.size() && look::is_letter(text[i])) ++i;
            const std::string_view word = text.substr(begin, i - begin);
            // One letter stands behind digits, but for that of a currency (R$).
            if (word.size() == 1 && !has_digit && (i == text.size() || text[i] != '$')) return false;
            if (!look::may_be_of_number(word)) return false;
            has_digit |= look::has_wide_digit(word);
        } else {
            if (std::strchr("_\"<>=[]{}|\\^`~?!&*@;", c) != nullptr) return false;
            has_digit |= c >= '0' && c <= '9';
            ++i;
        }
    }
    return has_digit;
}

inline Guard guard_of(std::string_view text) {
    constexpr size_t kLongestLiteral = 255;  // of a text in a formula
    if (is_formula(text)) return Guard::Apostrophe;
    if (!looks_like_value(text)) return Guard::None;
    return text.size() <= kLongestLiteral ? Guard::Literal : Guard::Apostrophe;
}

}  // namespace pipeline
